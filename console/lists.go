package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"settled"
)

// pageSize is how many rows a list shows at once.
const pageSize = 50

// list is a page of a list, with the addresses of its neighbours.
type list[T any] struct {
	Items     []T
	Next      string // the address of the page after it; empty: there is none
	First     string // the address of the first page; empty: this is it
	Merchants []string
	Filter    filter
}

// filter is how a list is narrowed, as it was asked for.
type filter struct {
	Status, Merchant, From, To string
	Settled                    bool
	Statuses                   []string
}

// neighbours writes the addresses of the pages beside this one.
func neighbours(u *url.URL, next string) (after, first string) {
	query := u.Query()
	if query.Has("after") {
		query.Del("after")
		first = (&url.URL{Path: u.Path, RawQuery: query.Encode()}).String()
	}
	if next != "" {
		query.Set("after", next)
		after = (&url.URL{Path: u.Path, RawQuery: query.Encode()}).String()
	}
	return after, first
}

// asked reads a query argument of reasonable length.
func (v *visit) asked(name string) string {
	return clean(v.r.URL.Query().Get(name), 256)
}

func (c *Console) payments(v *visit) {
	f := filter{Status: v.asked("status"), Merchant: v.asked("merchant"), From: v.asked("from"), To: v.asked("to")}
	for _, s := range settled.Statuses {
		f.Statuses = append(f.Statuses, string(s))
	}
	if !slices.Contains(f.Statuses, f.Status) {
		f.Status = ""
	}
	zone := zoneOf(v.asked("zone"))
	l := settled.Listing{
		Merchant: f.Merchant, Status: settled.Status(f.Status), From: moment(f.From, zone), To: moment(f.To, zone),
		After: v.asked("after"), Size: pageSize,
	}
	show(v, "payments", "title.payments", f, func(ctx context.Context) (settled.Page[settled.Payment], error) {
		return c.cfg.Ledger.Payments(ctx, l)
	})
}

func (c *Console) refunds(v *visit) {
	f := filter{Status: v.asked("status"), Merchant: v.asked("merchant")}
	for _, s := range settled.RefundStatuses {
		f.Statuses = append(f.Statuses, string(s))
	}
	if !slices.Contains(f.Statuses, f.Status) {
		f.Status = ""
	}
	l := settled.RefundListing{Merchant: f.Merchant, Status: settled.RefundStatus(f.Status), After: v.asked("after"), Size: pageSize}
	show(v, "refunds", "title.refunds", f, func(ctx context.Context) (settled.Page[settled.Refund], error) {
		return c.cfg.Ledger.RefundList(ctx, l)
	})
}

func (c *Console) flags(v *visit) {
	f := filter{Merchant: v.asked("merchant"), Settled: v.asked("settled") == "yes"}
	l := settled.FlagListing{Merchant: f.Merchant, Settled: f.Settled, After: v.asked("after"), Size: pageSize}
	show(v, "flags", "title.flags", f, func(ctx context.Context) (settled.Page[settled.Flag], error) {
		return c.cfg.Ledger.Flags(ctx, l)
	})
}

// show reads one page of a list and writes it.
func show[T any](v *visit, name string, title word, f filter, ask func(context.Context) (settled.Page[T], error)) {
	found, err := read(v.r.Context(), ask)
	if err != nil {
		v.fail(err)
		return
	}
	next, first := neighbours(v.r.URL, found.Next)
	v.page(http.StatusOK, name, title, list[T]{Items: found.Items, Next: next, First: first, Merchants: v.c.cfg.Merchants, Filter: f})
}

// moment reads a time as browsers send it, in the zone of the reader.
func moment(text string, zone *time.Location) time.Time {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t
		}
	}
	return time.Time{}
}

// zoneOf is the reader's zone, in minutes east of UTC as a script of the page tells them.
func zoneOf(minutes string) *time.Location {
	if n, err := strconv.Atoi(minutes); err == nil && n >= -14*60 && n <= 14*60 {
		return time.FixedZone("", n*60)
	}
	return time.UTC
}

// searchBody is what a search shows that does not lead to one payment.
type searchBody struct {
	Text  string
	Items []settled.Payment
}

// search leads to the payment that a number names.
func (c *Console) search(v *visit) {
	text := clean(v.r.URL.Query().Get("q"), 128)
	if text == "" {
		v.redirect(Prefix)
		return
	}
	found, err := read(v.r.Context(), func(ctx context.Context) ([]settled.Payment, error) { return c.cfg.Ledger.Search(ctx, text) })
	switch {
	case err != nil:
		v.fail(err)
	case len(found) == 1:
		v.redirect(paymentPath(found[0].ID))
	default:
		v.page(http.StatusOK, "search", "title.search", searchBody{text, found})
	}
}
