package console

import (
	"strings"

	"settled"
)

// trouble is why the last look at a payment or a refund led to nothing, as far as the text
// that the workers keep of it tells.
type trouble struct {
	deed word   // what was tried: a key
	what word   // what came of it: a key
	code string // WeChat's or ours
	flag settled.FlagReason
}

// deeds are what the workers begin a trouble with, the longer before the shorter.
var deeds = []struct {
	prefix string
	deed   word
}{
	{"query order after its close: ", "deed.query"},
	{"query order: ", "deed.query"},
	{"query contested order: ", "deed.query"},
	{"close order: ", "deed.close"},
	{"acknowledge: ", "deed.acknowledge"},
	{"request refund: ", "deed.refund"},
	{"query refund: ", "deed.query_refund"},
	{"query contested refund: ", "deed.query_refund"},
}

// unknowns are our own codes of an outcome that nobody knows. Any other code is WeChat's.
var unknowns = map[string]word{
	"timeout":        "what.timeout",
	"connection":     "what.connection",
	"cancelled":      "what.cancelled",
	"unreadable":     "what.unreadable",
	"unverified":     "what.unverified",
	"host_open":      "what.host_open",
	"budget":         "what.budget",
	"token":          "what.token",
	"certificates":   "what.certificates",
	"unwritable":     "what.unwritable",
	"other_order":    "what.other_order",
	"openid_missing": "what.openid_missing",
	"return_code":    "what.return_code",
}

// flagReasons are the reasons that have a sentence.
var flagReasons = []settled.FlagReason{
	settled.AmountMismatch, settled.CurrencyMismatch, settled.MerchantMismatch, settled.SecondTransaction,
	settled.UnknownOrder, settled.UnknownRefund, settled.AcknowledgeOverdue,
}

const (
	unknownOutcome = "outcome unknown: "
	refusedOutcome = "refused: "
)

// readTrouble reads what the workers wrote; usual is what they were at if they don't say.
func readTrouble(text string, usual word) trouble {
	t := trouble{deed: usual, what: "what.other"}
	for _, d := range deeds {
		if rest, ok := strings.CutPrefix(text, d.prefix); ok {
			t.deed, text = d.deed, rest
			break
		}
	}
	if rest, ok := strings.CutPrefix(text, unknownOutcome); ok {
		t.code, _, _ = strings.Cut(rest, ":")
		t.what = whatOf(t.code)
		return t
	}
	if rest, ok := strings.CutPrefix(text, refusedOutcome); ok {
		t.code, _, _ = strings.Cut(rest, ":")
		t.what = "what.refused"
		return t
	}
	for _, reason := range flagReasons {
		if strings.HasPrefix(text, string(reason)+": ") {
			t.what, t.flag = "what.disagrees", reason
		}
	}
	if strings.HasPrefix(text, "WeChat accepted the refund, and says now") {
		t.what = "what.refund_absent"
	}
	return t
}

func whatOf(code string) word {
	if what, ok := unknowns[code]; ok {
		return what
	}
	if strings.HasPrefix(code, "status_") {
		return "what.status"
	}
	return "what.code"
}

// told is the trouble as a part of a sentence.
func (t trouble) told(attempts int) sentence {
	what := sentence{t.what, []any{"code", short(t.code)}}
	if t.flag != "" {
		what = say(flagWord(t.flag))
	}
	if attempts > 1 {
		return say("trouble.times", "deed", t.deed, "what", what, "count", attempts)
	}
	return say("trouble.once", "deed", t.deed, "what", what)
}

// flagWord is the key of what a reason to flag means.
func flagWord(reason settled.FlagReason) word {
	for _, known := range flagReasons {
		if reason == known {
			return word("flag." + string(reason))
		}
	}
	return "flag.other"
}
