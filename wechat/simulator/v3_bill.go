package simulator

import (
	"crypto/sha1"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// v3TradeBill asks where the bill of a day lies (document, "apply for trade bill"). Types
// other than ALL, and compression, are not spoken here.
var (
	v3TradeBill = v3Call{method: http.MethodGet, query: []v3Rule{
		{name: "bill_date", is: "a day written yyyy-MM-dd", fits: isV3Day},
		{name: "bill_type", is: "ALL", fits: oneOf("ALL")},
	}}
	v3BillFile = v3Call{method: http.MethodGet, query: []v3Rule{{name: "token", is: "1 to 256 characters", fits: chars(1, 256)}}}
)

func isV3Day(value string) bool {
	_, err := time.Parse(time.DateOnly, value)
	return err == nil
}

// billLife is how long a bill can be downloaded after it was asked for.
const billLife = 5 * time.Minute

// v3Bills are the files that lie ready.
type v3Bills struct {
	mu    sync.Mutex
	files map[string]v3File // by token
}

type v3File struct {
	account *account
	text    string
	until   time.Time
}

// v3Plain is an answer that is no JSON and goes out without a signature.
type v3Plain string

// tradebill lays the bill of a day ready.
func (v *v3) tradebill(r v3Request) (any, error) {
	day, _ := time.ParseInLocation(time.DateOnly, r.query.Get("bill_date"), beijing)
	text, missing := v.s.billOf(r.account, day)
	switch missing {
	case billThere:
	case billEmpty:
		return nil, refuseV3(v3NoBill, "")
	case billMaking:
		return nil, refuseV3(v3BillMaking, "")
	case billOutside:
		return nil, refuseValue("query", "bill_date", r.query.Get("bill_date"), "must be a day of the last three months")
	}
	token := v.s.dice.text(letters, 64)
	v.bills.lay(token, v3File{r.account, text, v.s.cfg.Now().Add(billLife)}, v.s.cfg.Now())
	sum := sha1.Sum([]byte(text))
	return struct {
		HashType    string `json:"hash_type"`
		HashValue   string `json:"hash_value"`
		DownloadURL string `json:"download_url"`
	}{"SHA1", fmt.Sprintf("%x", sum), r.host + "/v3/billdownload/file?token=" + token}, nil
}

// billdownload hands a file out.
func (v *v3) billdownload(r v3Request) (any, error) {
	file, ok := v.bills.find(r.query.Get("token"))
	if !ok || file.account != r.account || v.s.cfg.Now().After(file.until) {
		return nil, refuseV3(v3NoResource, "the address is unknown or too old")
	}
	return v3Plain(file.text), nil
}

// lay keeps a file, and forgets those that are too old.
func (b *v3Bills) lay(token string, file v3File, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.files == nil {
		b.files = map[string]v3File{}
	}
	for other, old := range b.files {
		if now.After(old.until) {
			delete(b.files, other)
		}
	}
	b.files[token] = file
}

func (b *v3Bills) find(token string) (v3File, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	file, ok := b.files[token]
	return file, ok
}
