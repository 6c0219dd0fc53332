package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"settled/cmd/settled/config"
	"settled/store/hints"
)

var keysCommand = command{
	name: "keys", args: "--config F [--json] [MERCHANT...]",
	summary: "says which keys have verified what WeChat said, and what a switch would break",
	example: "settled keys --config settled.yaml shop3",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		asJSON := flags.Bool("json", false, "print JSON")
		return func(ctx context.Context, e environment, words []string) (err error) {
			cfg, err := load(*file, nil)
			if err != nil {
				return err
			}
			names, err := merchantsNamed(cfg, words)
			if err != nil {
				return err
			}
			h, err := openHints(cfg, e.log, nil)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, h.Close()) }()
			var reports []keyReport
			for _, name := range names {
				seen, err := h.Sightings(ctx, name)
				if err != nil {
					return err
				}
				reports = append(reports, reportKeys(cfg.Merchants[name], seen, time.Now()))
			}
			if *asJSON {
				return json.NewEncoder(e.out).Encode(reports)
			}
			return writeKeys(e.out, reports)
		}
	},
}

// merchantsNamed are the merchants of these names, or all.
func merchantsNamed(cfg *config.Config, names []string) ([]string, error) {
	if len(names) == 0 {
		return slices.Sorted(maps.Keys(cfg.Merchants)), nil
	}
	for _, name := range names {
		if _, ok := cfg.Merchants[name]; !ok {
			return nil, misused("there is no merchant %q", name)
		}
	}
	return names, nil
}

// keyReport is what is known of one merchant's keys.
type keyReport struct {
	Merchant string      `json:"merchant"`
	Protocol string      `json:"protocol"`
	Keys     []keyUse    `json:"keys"`
	Switches []keySwitch `json:"switches,omitempty"`
}

// keyUse is one key that WeChat signs with, and what it has verified.
type keyUse struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind"`   // public_key, certificate, or for the other protocols present or former
	Origin   string     `json:"origin"` // public_key, verify_also, downloaded, or unknown: it is not configured any more
	Answers  int64      `json:"answers"`
	Notifies int64      `json:"notifies"`
	Last     *time.Time `json:"last,omitempty"`
}

// keySwitch is a change that somebody may think of, and whether it is safe.
type keySwitch struct {
	Change string `json:"change"`
	Breaks bool   `json:"breaks"`
	Why    string `json:"why"`
}

// quietSpell is how long a key must have verified nothing to be dropped without harm: WeChat
// moves a merchant's notifies from one key to the next within seven days (APIv3 document,
// moving to the public key).
const quietSpell = 7 * 24 * time.Hour

// The kinds of keys, as they are reported.
const (
	kindPublicKey   = "public_key"
	kindCertificate = "certificate"
)

// What a key may have verified.
const (
	sightedAnswer = "answer"
	sightedNotify = "notify"
)

// reportKeys brings together what is configured and what has been seen.
func reportKeys(m config.Merchant, seen []hints.Sighting, now time.Time) keyReport {
	uses := map[string]*keyUse{}
	for id, origin := range configuredKeys(m) {
		uses[id] = &keyUse{ID: id, Kind: kindOf(m, id), Origin: origin}
	}
	for _, s := range seen {
		use := uses[s.Key]
		if use == nil {
			origin := "unknown"
			if kindOf(m, s.Key) == kindCertificate {
				origin = "downloaded"
			}
			use = &keyUse{ID: s.Key, Kind: kindOf(m, s.Key), Origin: origin}
			uses[s.Key] = use
		}
		if s.What == sightedAnswer {
			use.Answers += s.Count
		} else {
			use.Notifies += s.Count
		}
		if use.Last == nil || s.Last.After(*use.Last) {
			last := s.Last
			use.Last = &last
		}
	}
	report := keyReport{Merchant: m.Name, Protocol: m.Protocol}
	for _, id := range slices.Sorted(maps.Keys(uses)) {
		report.Keys = append(report.Keys, *uses[id])
	}
	report.Switches = switches(m, report.Keys, now)
	return report
}

// configuredKeys are the keys that the file names, and where.
func configuredKeys(m config.Merchant) map[string]string {
	keys := map[string]string{}
	switch {
	case m.V3 != nil:
		for _, k := range m.V3.AlsoVerify.Keys {
			if k.PublicKeyID != "" {
				keys[k.PublicKeyID] = "verify_also"
			}
		}
		if m.V3.PublicKeyID != "" {
			keys[m.V3.PublicKeyID] = "public_key"
		}
	default:
		keys[presentKey] = "configuration"
	}
	return keys
}

// presentKey and formerKey stand for the keys of the protocols that give theirs no names.
const (
	presentKey = "present"
	formerKey  = "former"
)

func kindOf(m config.Merchant, id string) string {
	switch {
	case m.V3 == nil:
		return id
	case strings.HasPrefix(id, "PUB_KEY_ID_"):
		return kindPublicKey
	default:
		return kindCertificate
	}
}

// switches are the changes that the keys in use allow to think of.
func switches(m config.Merchant, keys []keyUse, now time.Time) []keySwitch {
	var changes []keySwitch
	add := func(change string, of func(keyUse) bool) {
		changes = append(changes, weigh(change, slices.DeleteFunc(slices.Clone(keys), func(k keyUse) bool { return !of(k) }), now))
	}
	if m.V3 == nil {
		add("former keys no longer verify (verify_also: [])", func(k keyUse) bool { return k.ID == formerKey })
		return changes
	}
	add("the public key alone verifies", func(k keyUse) bool { return k.Kind == kindCertificate })
	add("platform certificates alone verify", func(k keyUse) bool { return k.Kind == kindPublicKey })
	for _, key := range keys {
		if key.Origin == "verify_also" || key.Origin == "unknown" {
			add(key.ID+" no longer verifies", func(k keyUse) bool { return k.ID == key.ID })
		}
	}
	return changes
}

// weigh says whether a change that takes these keys away would break anything.
func weigh(change string, lost []keyUse, now time.Time) keySwitch {
	var last *keyUse
	answers, notifies := int64(0), int64(0)
	for _, k := range lost {
		answers, notifies = answers+k.Answers, notifies+k.Notifies
		if k.Last != nil && (last == nil || k.Last.After(*last.Last)) {
			last = &k
		}
	}
	if last == nil {
		return keySwitch{Change: change, Why: "nothing was ever verified otherwise"}
	}
	age := now.Sub(*last.Last)
	return keySwitch{
		Change: change, Breaks: age < quietSpell,
		Why: fmt.Sprintf("%d answers and %d notifies were verified otherwise, the last %s ago by %s",
			answers, notifies, age.Round(time.Second), last.ID),
	}
}

// writeKeys shows the reports for people.
func writeKeys(w io.Writer, reports []keyReport) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range reports {
		fmt.Fprintf(table, "%s (%s)\n", r.Merchant, r.Protocol)
		for _, k := range r.Keys {
			last := "never seen"
			if k.Last != nil {
				last = "last " + clock(*k.Last)
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%d answers\t%d notifies\t%s\n", k.ID, k.Kind, k.Origin, k.Answers, k.Notifies, last)
		}
		for _, s := range r.Switches {
			verdict := "safe  "
			if s.Breaks {
				verdict = "BREAKS"
			}
			fmt.Fprintf(table, "  %s  %s: %s\n", verdict, s.Change, s.Why)
		}
	}
	return table.Flush()
}
