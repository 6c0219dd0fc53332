package ingress

import "settled"

// unverifiedLines is how many notifies a second that nobody has verified come into the
// journal: anybody can send one.
const unverifiedLines = 5

// line begins the line of a notify that comes in now.
func (in *Ingress) line(merchant string) settled.Entry {
	return settled.Entry{At: in.cfg.Now(), Merchant: merchant, Kind: settled.EntryNotify}
}

// journal tells what WeChat heard. Only what was verified has a name.
func (in *Ingress) journal(line settled.Entry, said settled.Acknowledgement) {
	if in.cfg.Journal == nil || line.Name == "" && !in.unknowns.AllowN(line.At, 1) {
		return
	}
	line.Outcome, line.Took = string(said), max(in.cfg.Now().Sub(line.At), 0)
	in.cfg.Journal(line)
}
