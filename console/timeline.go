package console

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"settled"
)

// happened is one line of a payment's timeline, wherever it was kept.
type happened struct {
	At        time.Time
	Kind      string // event, act, call, notify or letter
	Tone      string // good, bad, warn or plain
	Title     sentence
	Name      string // as it is kept, for those who look it up
	Moved     bool
	From, To  settled.Status
	Published word
	Facts     []fact
	RequestID string
	Took      time.Duration
	Body      string // JSON, indented
	Letter    uint64
}

// fact is a name and a stranger's text.
type fact struct {
	Name word
	Text string
}

// timeline merges everything that is known of a payment, the latest first.
func timeline(history []settled.Happening, journal []settled.Entry, letters []Letter) []happened {
	var all []happened
	for _, h := range history {
		all = append(all, ofHistory(h))
	}
	for _, e := range journal {
		all = append(all, ofJournal(e))
	}
	for _, l := range letters {
		all = append(all, ofLetter(l))
	}
	slices.Reverse(all) // so that of one moment, too, the latest comes first
	slices.SortStableFunc(all, func(a, b happened) int { return b.At.Compare(a.At) })
	return all
}

// acts are the rows of the history that tell what a person did.
var acts = []string{"operator.close", "operator.query", "flag.settled", "dead.replayed", "dead.dropped"}

// tones of events that are not plain.
var tones = map[string]string{
	"payment.completed": "good",
	"payment.failed":    "bad",
	"payment.rejected":  "bad",
	"payment.flagged":   "warn",
	"payment.closed":    "warn",
	"refund.completed":  "good",
	"refund.failed":     "bad",
	"refund.rejected":   "bad",
	"audit.broken":      "bad",
}

func ofHistory(h settled.Happening) happened {
	line := happened{
		At: h.At, Kind: "event", Tone: toneOf(h.Type), Title: eventTitle(h.Type), Name: h.Type, RequestID: h.RequestID,
		Moved: h.From != "" && h.From != h.To, From: h.From, To: h.To, Published: publishedWord(h), Body: readable(h.Data),
	}
	if slices.Contains(acts, h.Type) {
		line.Kind = "act"
	}
	var told struct {
		By      string `json:"by"`
		Comment string `json:"comment"`
		Reason  string `json:"reason"`
		Detail  string `json:"detail"`
		Subject string `json:"subject"`
		Error   struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(h.Data, &told) != nil {
		return line
	}
	for _, f := range []fact{
		{"fact.by", told.By}, {"fact.comment", told.Comment}, {"fact.subject", told.Subject}, {"fact.why", told.Reason},
		{"fact.detail", told.Detail}, {"fact.code", told.Error.Code}, {"fact.message", told.Error.Message},
	} {
		if f.Text != "" {
			line.Facts = append(line.Facts, f)
		}
	}
	return line
}

func toneOf(eventType string) string {
	if tone, ok := tones[eventType]; ok {
		return tone
	}
	return "plain"
}

func eventTitle(eventType string) sentence {
	key := word("event." + eventType)
	if _, ok := texts[key]; ok {
		return say(key)
	}
	return say("event.other", "type", short(eventType))
}

func publishedWord(h settled.Happening) word {
	switch {
	case h.Private:
		return "published.private"
	case h.Queued:
		return "published.queued"
	default:
		return "published.yes"
	}
}

func ofJournal(e settled.Entry) happened {
	line := happened{At: e.At, Kind: string(e.Kind), Tone: "plain", RequestID: e.RequestID, Took: e.Took}
	title, outcome := word("call.title"), word("outcome."+e.Outcome)
	if e.Kind == settled.EntryNotify {
		title, outcome = "notify.title", word("heard."+e.Outcome)
	}
	if _, ok := texts[outcome]; !ok {
		outcome = "outcome.other"
	}
	if e.Outcome != "done" && e.Outcome != string(settled.Success) {
		line.Tone = "warn"
	}
	line.Title = say(title, "name", plain(short(e.Name)), "outcome", say(outcome, "outcome", plain(short(e.Outcome))))
	if e.Host != "" {
		line.Facts = append(line.Facts, fact{"fact.host", e.Host})
	}
	if e.Code != "" {
		line.Facts = append(line.Facts, fact{"fact.code", e.Code})
	}
	return line
}

func ofLetter(l Letter) happened {
	return happened{
		At: l.At, Kind: "letter", Tone: "bad", Title: say("letter.title", "attempts", l.Attempts), Letter: l.Sequence,
		Facts: []fact{{"fact.subject", l.Subject}, {"fact.why", l.Reason}},
	}
}

// secretFields are what only WeChat and the shop's app should see of an event: whoever has
// them can show the customer this very payment.
var secretFields = []string{"client", "code_url", "h5_url"}

const mostBody = 20_000

// readable indents the body of an event, without what is secret.
func readable(data []byte) string {
	if len(data) == 0 || len(data) > mostBody {
		return ""
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return ""
	}
	hidden := false
	for _, name := range secretFields {
		if _, ok := fields[name]; ok {
			fields[name], hidden = json.RawMessage(`"…"`), true
		}
	}
	if hidden {
		var err error
		if data, err = json.Marshal(fields); err != nil {
			return ""
		}
	}
	var b bytes.Buffer
	if json.Indent(&b, data, "", "  ") != nil || len(fields) == 0 {
		return ""
	}
	return b.String()
}

// closing reports whether an operator has asked for the order to be closed and nothing has
// come of it yet.
func closing(p settled.Payment) bool { return p.Status.Open() && p.CloseAsked }
