package v3

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// billFolder is where WeChat's addresses of bills lie.
const billFolder = "/v3/billdownload/"

// BillPath is the path and query of the call that asks where the bill of a day lies. Only
// the day's own date counts.
func BillPath(day time.Time) string {
	return routes[TradeBill].path + "?bill_date=" + day.Format(time.DateOnly) + "&bill_type=ALL"
}

// BillPlace is where the file of a bill lies for some minutes.
type BillPlace struct {
	Host string // with the scheme, as endpoints are written
	Path string // with the query, as it is sent and signed
	SHA1 [20]byte
}

// ReadBillPlace reads the answer to TradeBill. The file itself comes without a signature:
// what stands here is all that proves it.
func ReadBillPlace(body []byte) (BillPlace, error) {
	answer, err := readObject(body)
	if err != nil {
		return BillPlace{}, err
	}
	hashType, hash, address := answer.required("hash_type"), answer.required("hash_value"), answer.required("download_url")
	if err := answer.err(); err != nil {
		return BillPlace{}, err
	}
	var place BillPlace
	if sum, err := hex.DecodeString(hash); err != nil || len(sum) != copy(place.SHA1[:], sum) || len(sum) != len(place.SHA1) || hashType != "SHA1" {
		return BillPlace{}, fmt.Errorf("%w: a hash of type %.16q", ErrUnreadable, hashType)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || !strings.HasPrefix(u.EscapedPath(), billFolder) ||
		strings.Contains(u.Path, "/../") {
		return BillPlace{}, fmt.Errorf("%w: download_url is no address of a bill", ErrUnreadable)
	}
	place.Host, place.Path = u.Scheme+"://"+u.Host, u.RequestURI()
	return place, nil
}

// NoBill reports whether WeChat says that there was no trade on that day.
func (e *Error) NoBill() bool { return e.Call == TradeBill && e.Code == "NO_STATEMENT_EXIST" }

// BillPending reports whether WeChat says that it has not made the bill yet.
func (e *Error) BillPending() bool { return e.Call == TradeBill && e.Code == "STATEMENT_CREATING" }
