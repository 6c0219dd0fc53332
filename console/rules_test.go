package console

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"settled"
)

func TestWithinStaysWithin(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"/console/": "/console/",
		"/console/payments?status=closed&after=x": "/console/payments?status=closed&after=x",
		"/console/payments/" + "x#top":            "/console/payments/x",
		"":                                        Prefix,
		"/":                                       Prefix,
		"/other":                                  Prefix,
		"https://evil.example/console/":           Prefix,
		"//evil.example/console/":                 Prefix,
		`/\evil.example`:                          Prefix,
		`/console/\evil.example`:                  Prefix,
		"/console/../../evil":                     Prefix,
		"/console/%2e%2e/evil":                    Prefix,
		"/console//evil.example":                  Prefix,
		"javascript:alert(1)":                     Prefix,
		"http:/console/":                          Prefix,
		"/console/x\r\nSet-Cookie: a=b":           Prefix,
	} {
		if got := within(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

func TestTriesAreCountedByWhoMakesThem(t *testing.T) {
	t.Parallel()
	p := newPatience(2, time.Minute)
	for _, row := range []struct {
		who   string
		after time.Duration
		want  bool
	}{
		{"a", 0, true}, {"a", 0, true}, {"a", 0, false}, {"b", 0, true}, {"a", 59 * time.Second, false}, {"a", 61 * time.Second, true},
	} {
		if got := p.allows(row.who, noon.Add(row.after)); got != row.want {
			t.Errorf("%s after %s: %v", row.who, row.after, got)
		}
	}
}

func TestHowManyAreToldApartIsBounded(t *testing.T) {
	t.Parallel()
	p := newPatience(1, time.Minute)
	for n := range mostRemembered {
		p.allows(fmt.Sprint(n), noon)
	}
	if !p.allows("one more", noon) || p.allows("another one", noon) {
		t.Error("those for whom there is no room do not share one count")
	}
	if !p.allows("later", noon.Add(2*time.Minute)) || len(p.by) > 1 {
		t.Errorf("%d are remembered whose tries are all there again", len(p.by))
	}
}

func TestAnAddressIsCountedByWhoHasIt(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.7:4711":          "192.0.2.7",
		"[::ffff:192.0.2.7]:4711": "192.0.2.7",
		"[2001:db8:1:2:3::4]:80":  "2001:db8:1:2::/64",
		"[2001:db8:1:2:9::9]:80":  "2001:db8:1:2::/64",
		"@":                       "unknown",
	} {
		if got := origin(remote); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}

func TestEveryCharacterIsSeen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"One pot of tea":         "One pot of tea",
		"龙井新茶 250g，两盒\u3000赠杯":   "龙井新茶 250g，两盒\u3000赠杯",
		"naïve e\u0301 ☕":        "naïve e\u0301 ☕",
		"\u202e000,1":            "⟨U+202E⟩000,1",
		"a\u200bb\ufeffc\u2060":  "a⟨U+200B⟩b⟨U+FEFF⟩c⟨U+2060⟩",
		"\x00\a\x1b[31m\r\n\t":   "⟨U+0000⟩⟨U+0007⟩⟨U+001B⟩[31m⟨U+000D⟩⟨U+000A⟩⟨U+0009⟩",
		"\xff\xc0":               "⟨0xFF⟩⟨0xC0⟩",
		"\ufffd":                 "\ufffd",
		"\u3164\u115f\u2800":     "⟨U+3164⟩⟨U+115F⟩⟨U+2800⟩",
		"\u00a0\u2028\U000e0041": "⟨U+00A0⟩⟨U+2028⟩⟨U+E0041⟩",
		"<b>":                    "<b>",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	if got := plain("a" + strings.Repeat("\u0301", 40)); strings.Count(got, "⟨U+0301⟩") != 36 {
		t.Errorf("a heap of accents is shown as %q", got)
	}
}

func TestLongTextsAreFolded(t *testing.T) {
	t.Parallel()
	if f := fold(strings.Repeat("字", foldAfter)); f.Whole != "" {
		t.Error("a text of that length is folded")
	}
	if f := fold(strings.Repeat("字", foldAfter+1)); f.Whole == "" || len([]rune(f.Head)) >= foldAfter {
		t.Error("a longer one is not")
	}
}

func TestWhatIsTooLongForANameIsCut(t *testing.T) {
	t.Parallel()
	if name := strings.Repeat("字", mostName); short(name) != name || short(name+"x") != name+"…" {
		t.Error("a name is cut where it should not be, or not where it should")
	}
}

func TestAmountsAreExact(t *testing.T) {
	t.Parallel()
	for fen, want := range map[settled.Fen]string{
		0: "¥0.00", 1: "¥0.01", 99: "¥0.99", 100: "¥1.00", 1999: "¥19.99", 100_000: "¥1,000.00", 123_456_789: "¥1,234,567.89",
		settled.MaxAmount: "¥1,000,000,000.00", -5: "-¥0.05", 9_007_199_254_740_993: "¥90,071,992,547,409.93",
	} {
		if got := yuan(settled.Money{Total: fen, Currency: settled.CNY}); got != want {
			t.Errorf("%d fen are %s, want %s", fen, got, want)
		}
	}
	if got := yuan(settled.Money{Total: 1999, Currency: "USD"}); got != "19.99 USD" {
		t.Errorf("dollars are %s", got)
	}
}

func TestSharesOfAWhole(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		part, whole int
		want        string
	}{
		{0, 0, "–"}, {0, 5, "0.0 %"}, {5, 5, "100 %"}, {99_999, 100_000, "99.9 %"}, {1, 100_000, "< 0.1 %"}, {1, 3, "33.3 %"}, {833, 880, "94.7 %"},
	} {
		if got := percent(row.part, row.whole); got != row.want {
			t.Errorf("%d of %d is %s, want %s", row.part, row.whole, got, row.want)
		}
	}
}

func TestDurationsAndDistancesInTime(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "–", 0: "< 1 ms", 85 * time.Millisecond: "85 ms", 1250 * time.Millisecond: "1.2 s", 59 * time.Second: "59 s",
		90 * time.Second: "1 min", 47 * time.Hour: "47 h", 50 * time.Hour: "2 d",
	} {
		if got := took(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration][2]string{
		0: {"now", "现在"}, -3 * time.Second: {"3 s ago", "3 秒前"}, 90 * time.Second: {"in 1 min", "1 分钟后"}, -72 * time.Hour: {"3 d ago", "3 天前"},
	} {
		if en, zh := relative(english, noon.Add(d), noon), relative(chinese, noon.Add(d), noon); en != want[0] || zh != want[1] {
			t.Errorf("%s is %q, %q; want %q", d, en, zh, want)
		}
	}
}

func TestTheChartFitsWhateverComes(t *testing.T) {
	t.Parallel()
	if c := draw(nil); c.Lines != nil {
		t.Error("of nothing something is drawn")
	}
	for n, want := range map[int]int{0: 2, 1: 2, 3: 4, 5: 10, 10: 10, 11: 20, 99: 100, 101: 200, 401: 1000} {
		if got := roundUp(n); got != want {
			t.Errorf("the scale for %d ends at %d, want %d", n, got, want)
		}
	}
	c := draw([]settled.Rate{{Requested: 50}, {Completed: 100}})
	if len(c.Lines) != 3 || c.Lines[0].Points != "0.00,60.00 720.00,116.00" || c.Lines[1].Points != "0.00,116.00 720.00,4.00" {
		t.Errorf("drawn as %+v", c.Lines)
	}
}

func TestTheReadersZone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-11-28T20:30": "2026-11-28T12:30:00Z", "2026-11-28": "2026-11-27T16:00:00Z", "2026-11-28T20:30:05": "2026-11-28T12:30:05Z",
		"": "0001-01-01T00:00:00Z", "yesterday": "0001-01-01T00:00:00Z",
	} {
		if got := moment(text, zoneOf("480")).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for _, odd := range []string{"", "x", "99999", "-99999", "NaN"} {
		if zoneOf(odd) != time.UTC {
			t.Errorf("%q is a zone", odd)
		}
	}
}

func TestWhatOnlyTheAppShouldSeeIsLeftOut(t *testing.T) {
	t.Parallel()
	shown := readable([]byte(`{"payment_id":"p","client":{"sign":"S1"},"code_url":"weixin://S2","h5_url":"https://S3"}`))
	for _, secret := range []string{"S1", "S2", "S3"} {
		if strings.Contains(shown, secret) {
			t.Errorf("shown: %s", shown)
		}
	}
	if !strings.Contains(shown, `"payment_id": "p"`) {
		t.Errorf("shown: %s", shown)
	}
	for _, odd := range []string{"", "null", "[]", "{", "7", strings.Repeat("x", 30_000)} {
		if got := readable([]byte(odd)); got != "" {
			t.Errorf("%.20q is shown as %q", odd, got)
		}
	}
}

func TestTheTimelineMergesWhatIsKeptInSeveralPlaces(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	event := func(kind string, s int, change func(*settled.Happening)) settled.Happening {
		h := settled.Happening{Event: settled.Event{Type: kind, At: at(s), Data: []byte(`{"by":"alice"}`)}}
		if change != nil {
			change(&h)
		}
		return h
	}
	line := timeline(
		[]settled.Happening{
			event("payment.recorded", 0, nil),
			event("payment.prepared", 2, func(h *settled.Happening) { h.Queued, h.From, h.To = true, "requested", "prepared" }),
			event("operator.query", 4, func(h *settled.Happening) { h.Private = true }),
		},
		[]settled.Entry{{At: at(1), Kind: settled.EntryCall, Outcome: "done"}, {At: at(3), Kind: settled.EntryNotify, Outcome: "busy"}},
		[]Letter{{At: at(5), Sequence: 7}},
	)
	var got []string
	for _, l := range line {
		got = append(got, fmt.Sprint(l.Kind, " ", l.Tone, " ", l.Published, " ", l.Moved))
	}
	want := []string{"letter bad  false", "act plain published.private false", "notify warn  false", "event plain published.queued true", "call plain  false", "event plain published.yes false"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAnOrderIsBeingClosedOnlyWhileItIsOpen(t *testing.T) {
	t.Parallel()
	for status, want := range map[settled.Status]bool{settled.StatusRequested: true, settled.StatusPrepared: true, settled.StatusClosed: false, settled.StatusCompleted: false} {
		if closing(settled.Payment{Status: status, CloseAsked: true}) != want || closing(settled.Payment{Status: status}) {
			t.Errorf("%s: not as it should be", status)
		}
	}
}

// A history is told in words, whatever stands in it.
func TestEveryEventHasATitle(t *testing.T) {
	t.Parallel()
	types := slices.Concat(settled.PrivateEvents, acts)
	for _, status := range settled.Statuses[1:] {
		types = append(types, "payment."+string(status))
	}
	for _, status := range settled.RefundStatuses[1:] {
		types = append(types, "refund."+string(status))
	}
	for _, eventType := range types {
		if title := eventTitle(eventType); title.key == "event.other" {
			t.Errorf("%s has no title", eventType)
		}
	}
}
