package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"settled/events"
	"settled/events/bus"
)

// shownLetter is a letter as list prints it for programs; show adds the rest.
type shownLetter struct {
	Number    uint64    `json:"number"`
	Subject   string    `json:"subject"`
	At        time.Time `json:"at"`
	Merchant  string    `json:"merchant,omitempty"`
	OrderID   string    `json:"order_id,omitempty"`
	PaymentID string    `json:"payment_id,omitempty"`
	Attempts  int       `json:"attempts"`
	Reason    string    `json:"reason"`

	Header map[string][]string `json:"header,omitempty"`
	Body   string              `json:"body,omitempty"`        // if it is text
	Binary []byte              `json:"body_base64,omitempty"` // if it is not
	Of     map[string]any      `json:"of,omitempty"`          // the payment, as settled show prints it
}

func shownFound(l found) shownLetter {
	return shownLetter{
		Number: l.Sequence, Subject: l.Subject, At: l.At, Merchant: l.owner.merchant, OrderID: l.owner.orderID,
		PaymentID: l.owner.paymentID, Attempts: l.Attempts, Reason: l.Reason,
	}
}

// each gives every letter that is meant to do; it says so if there is none.
func (w *deadWork) each(ctx context.Context, quiet bool, do func(found) error) error {
	none, missing := true, 0
	for letter, err := range w.chosen.all(ctx) {
		none = false
		if errors.Is(err, bus.ErrNoLetter) {
			missing++
			fmt.Fprintf(w.progress, "settled dead: %v\n", err)
			continue
		}
		if err == nil {
			err = do(letter)
		}
		if err != nil {
			return err
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d letters are not there", missing)
	}
	if none && !quiet {
		fmt.Fprintln(w.out, "there are no dead letters that are meant")
	}
	return nil
}

// list prints a line for each letter.
func (w *deadWork) list(ctx context.Context, asJSON bool) error {
	return w.each(ctx, asJSON, func(l found) error {
		if asJSON {
			return writeJSON(w.out, shownFound(l))
		}
		_, err := fmt.Fprintf(w.out, "%-6d  %s  %-17s  %-24s  attempts: %d  %s\n", l.Sequence, clock(l.At), printable(l.Subject),
			printable(l.owner.name()), l.Attempts, printable(l.Reason))
		return err
	})
}

// dryRun says what would become of each letter.
func (w *deadWork) dryRun(ctx context.Context, verb string) error {
	return w.each(ctx, false, func(l found) error {
		would := "would be dropped: " + l.Reason
		if verb == "replay" {
			would = w.would(ctx, l.DeadLetter)
		}
		_, err := fmt.Fprintf(w.out, "%d\t%s\t%s\t%s\n", l.Sequence, printable(l.Subject), printable(l.owner.name()), printable(would))
		return err
	})
}

// show prints each letter with everything that is known of it.
func (w *deadWork) show(ctx context.Context, asJSON bool) error {
	return w.each(ctx, asJSON, func(l found) error {
		p, known, err := w.find.payment(ctx, l.owner)
		if err != nil {
			return err
		}
		var story paymentStory
		if known {
			if story, err = readStory(ctx, w.ledger, p); err != nil {
				return err
			}
		}
		if asJSON {
			shown := shownFound(l)
			shown.Header = withoutSecrets(l.Header)
			if shown.Body = bodyOf(l); !utf8.Valid(l.Data) {
				shown.Body, shown.Binary = "", l.Data
			}
			if known {
				shown.Of = story.shown()
			}
			return writeJSON(w.out, shown)
		}
		writeLetter(w.out, l)
		if !known {
			_, err = fmt.Fprint(w.out, "It can not be told which payment it belongs to, or there is none.\n\n")
			return err
		}
		if err := story.text(w.out); err != nil {
			return err
		}
		_, err = fmt.Fprintln(w.out)
		return err
	})
}

// mostShown is how much of a body is shown, in bytes.
const mostShown = 64 << 10

func writeLetter(out io.Writer, l found) {
	fmt.Fprintf(out, "number    %d\nsubject   %s\nof        %s\ndied      %s\nattempts  %d\nreason    %s\n",
		l.Sequence, printable(l.Subject), printable(l.owner.name()), clock(l.At), l.Attempts, printable(l.Reason))
	header := withoutSecrets(l.Header)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		fmt.Fprintf(out, "header    %s: %s\n", printable(name), printable(strings.Join(header[name], ", ")))
	}
	body := bodyOf(l)
	more := ""
	if n := len(body) - mostShown; n > 0 {
		body, more = body[:mostShown], fmt.Sprintf("\n(and %d bytes more)", n)
	}
	fmt.Fprintf(out, "\n%s%s\n\n", printableLines(body), more)
}

// bodyOf is the body; of a notify, what WeChat had sent.
func bodyOf(l found) string {
	var n events.Notify
	if l.Subject != events.NotifyReceived || json.Unmarshal(l.Data, &n) != nil {
		return string(l.Data)
	}
	text := fmt.Sprintf("%s notify of %s, received %s\n%s ?%s\n", n.Kind, n.Merchant, n.ReceivedAt, n.Method, n.Query)
	headers := withoutSecrets(n.Headers)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		text += name + ": " + strings.Join(headers[name], ", ") + "\n"
	}
	return text + "\n" + string(n.Body)
}

var secretName = regexp.MustCompile(`(?i)authorization|cookie|token|secret|password|api.?key`)

// withoutSecrets leaves out what headers of these names say. No message of settled's own
// has such a header; anybody may publish one.
func withoutSecrets(header map[string][]string) map[string][]string {
	shown := make(map[string][]string, len(header))
	for name, values := range header {
		if secretName.MatchString(name) {
			values = []string{"(not shown)"}
		}
		shown[name] = values
	}
	return shown
}
