package simulator_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"settled/wechat/simulator"
)

// heard is a notify as a shop reads it off the wire.
type heard struct {
	method, path string
	header       http.Header
	query        string
	body         string
}

// listen opens a shop that hears its notifies over a socket.
func listen(t *testing.T) (s *shop, address string, notifies <-chan heard) {
	t.Helper()
	arrived := make(chan heard, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		arrived <- heard{r.Method, r.URL.Path, r.Header, r.URL.RawQuery, string(body)}
		_, _ = io.WriteString(w, "success")
	}))
	t.Cleanup(server.Close)
	s = open(t, func(c *simulator.Config) { c.HTTP = nil })
	return s, server.URL, arrived
}

func TestNotifyOnTheWire(t *testing.T) {
	t.Parallel()
	s, address, notifies := listen(t)
	order := s.order("A1")
	order["notify_url"] = address + "/notify/classic"
	order["attach"] = "a b+c"
	receipt := s.pay(order)
	n := <-notifies

	if n.method != http.MethodPost || n.path != "/notify/classic" {
		t.Errorf("came as %s %s", n.method, n.path)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0", "Accept": "*/*", "Pragma": "no-cache", "Accept-Encoding": "",
	} {
		if got := n.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	checkQuery(t, s, n.query, receipt)
	checkBody(t, s, n.body, receipt)
	if a := s.attempt(); !a.Heard || a.Attempt != 1 || a.Status != 200 || a.Body != "success" || a.Err != nil || a.Merchant != "classic" || a.OutTradeNo != "A1" {
		t.Errorf("attempt is %+v", a)
	}
	if o := s.look("A1"); !o.Acknowledged || o.NotifiesSent != 1 || o.Abandoned {
		t.Errorf("order is %+v", o)
	}
}

func checkQuery(t *testing.T, s *shop, raw string, receipt simulator.Receipt) {
	t.Helper()
	var keys []string
	got := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(pair, "=")
		plain, err := url.PathUnescape(value) // a plus is a plus
		if err != nil {
			t.Error(err)
		}
		keys = append(keys, key)
		got[key] = plain
	}
	if !slices.IsSorted(keys) {
		t.Errorf("keys are not in order: %v", keys)
	}
	want := map[string]string{
		"attach": "a b+c", "bank_billno": got["bank_billno"], "bank_type": "2011", "discount": "0", "fee_type": "1",
		"input_charset": "UTF-8", "notify_id": got["notify_id"], "out_trade_no": "A1", "partner": s.PartnerID,
		"product_fee": "1999", "sign_type": "MD5", "time_end": "20140508120000", "total_fee": "1999", "trade_mode": "1",
		"trade_state": "0", "transaction_id": receipt.TransactionID, "transport_fee": "0",
	}
	want["sign"] = s.md5(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("another query (-want +got):\n%s", diff)
	}
	if len(got["notify_id"]) != 100 || len(got["bank_billno"]) != 12 {
		t.Errorf("notify_id is %q, bank_billno %q", got["notify_id"], got["bank_billno"])
	}
}

func checkBody(t *testing.T, s *shop, raw string, receipt simulator.Receipt) {
	t.Helper()
	got := readBody(t, raw)
	want := notifyBody{
		XMLName: xml.Name{Local: "xml"}, OpenID: receipt.OpenID, AppID: s.AppID, IsSubscribe: "0",
		TimeStamp: "1399521600", NonceStr: got.NonceStr, SignMethod: "sha1",
	}
	want.AppSignature = s.sha1(map[string]string{
		"appid": want.AppID, "appkey": s.PaySignKey, "issubscribe": "0", "noncestr": want.NonceStr,
		"openid": want.OpenID, "timestamp": want.TimeStamp,
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("another body (-want +got):\n%s", diff)
	}
}

type notifyBody struct {
	XMLName      xml.Name
	OpenID       string `xml:"OpenId"`
	AppID        string `xml:"AppId"`
	IsSubscribe  string
	TimeStamp    string
	NonceStr     string
	AppSignature string
	SignMethod   string
}

func readBody(t *testing.T, raw string) notifyBody {
	t.Helper()
	var body notifyBody
	if err := xml.Unmarshal([]byte(raw), &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func TestNotifyKeepsTheShopsOwnQuery(t *testing.T) {
	t.Parallel()
	s, address, notifies := listen(t)
	order := s.order("A1")
	order["notify_url"] = address + "/notify?shop=7"
	s.pay(order)
	own, signed, _ := strings.Cut((<-notifies).query, "&")
	if own != "shop=7" {
		t.Errorf("query begins with %q", own)
	}
	values, err := url.ParseQuery(signed)
	if err != nil {
		t.Fatal(err)
	}
	plain := map[string]string{}
	for key := range values {
		plain[key] = values.Get(key)
	}
	delete(plain, "sign")
	if s.md5(plain) != values.Get("sign") {
		t.Error("the signature covers something else than WeChat's own parameters")
	}
}

func TestNotifySpeaksTheOrdersCharset(t *testing.T) {
	t.Parallel()
	s, address, notifies := listen(t)
	raw, err := simplifiedchinese.GBK.NewEncoder().String("茶")
	if err != nil {
		t.Fatal(err)
	}
	order := s.order("A1")
	order["notify_url"], order["input_charset"], order["attach"] = address, "GBK", raw
	s.pay(order)
	if query := (<-notifies).query; !strings.Contains(query, "attach=%B2%E8&") || !strings.Contains(query, "input_charset=GBK&") {
		t.Error("attach is not in GBK")
	}
}

func TestNotifyIsRepeatedOnSchedule(t *testing.T) {
	t.Parallel()
	documented := []time.Duration{0, 8, 18, 28, 58, 88, 148, 268, 628, 1628}
	for _, row := range []struct {
		name     string
		edit     func(*simulator.Config)
		answer   func(attempt int) string
		want     []time.Duration // after the payment, in seconds of the schedule
		compress time.Duration
		heard    bool
	}{
		{"to its end", nil, never, documented, 1, false},
		{"to its end, faster", func(c *simulator.Config) { c.Compress = 4 }, never, documented, 4, false},
		{"until it is heard", nil, heardAt(4), documented[:4], 1, true},
		{"until it is heard at the last moment", nil, heardAt(10), documented, 1, true},
		{"of the shop's own", func(c *simulator.Config) {
			c.NotifySchedule = []time.Duration{time.Second, time.Minute}
		}, never, []time.Duration{0, 1, 61}, 1, false},
		{"not at all", func(c *simulator.Config) { c.NotifySchedule = []time.Duration{} }, never, documented[:1], 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var sent []time.Duration
				begun := time.Now()
				s := open(t, func(c *simulator.Config) {
					c.Now = time.Now
					c.HTTP.Transport = ingress(func(*http.Request) (int, string, error) {
						sent = append(sent, time.Since(begun)*row.compress/time.Second)
						return http.StatusOK, row.answer(len(sent)), nil
					})
					if row.edit != nil {
						row.edit(c)
					}
				})
				s.pay(s.order("A1"))
				elapse(time.Hour)
				if diff := cmp.Diff(row.want, sent); diff != "" {
					t.Errorf("sent at other times (-want +got):\n%s", diff)
				}
				o, stats := s.look("A1"), s.wechat.Stats()
				if o.Acknowledged != row.heard || o.Abandoned == row.heard || o.NotifiesSent != len(row.want) {
					t.Errorf("order is %+v", o)
				}
				if stats.NotifiesAcknowledged+stats.NotifiesAbandoned != 1 || (stats.NotifiesAcknowledged == 1) != row.heard || stats.NotifiesSent != int64(len(row.want)) {
					t.Errorf("stats are %+v", stats)
				}
			})
		})
	}
}

func never(int) string { return "fail" }

func heardAt(n int) func(int) string {
	return func(attempt int) string {
		if attempt == n {
			return "success"
		}
		return "fail"
	}
}

func TestNotifyIsHeardByExactlySuccess(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		status int
		body   string
		err    error
		want   bool
	}{
		{"success", 200, "success", nil, true},
		{"in capitals", 200, "SUCCESS", nil, false},
		{"with a line end", 200, "success\n", nil, false},
		{"with a mark before it", 200, "\ufeffsuccess", nil, false},
		{"with more behind it", 200, "success, thank you", nil, false},
		{"ok", 200, "ok", nil, false},
		{"fail", 200, "fail", nil, false},
		{"nothing", 200, "", nil, false},
		{"the word of later protocols", 200, "<xml><return_code>SUCCESS</return_code></xml>", nil, false},
		{"created", 201, "success", nil, false},
		{"elsewhere", 302, "success", nil, false},
		{"an error", 500, "success", nil, false},
		{"no answer", 0, "", errors.New("connection refused"), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(c *simulator.Config) {
				c.NotifySchedule = []time.Duration{}
				c.HTTP.Transport = ingress(func(*http.Request) (int, string, error) { return row.status, row.body, row.err })
			})
			s.pay(s.order("A1"))
			a := s.attempt()
			if a.Heard != row.want || a.Status != row.status || a.Body != row.body || !errors.Is(a.Err, row.err) {
				t.Errorf("attempt is %+v", a)
			}
			if a.Err != nil && strings.Contains(a.Err.Error(), "sign=") {
				t.Errorf("the error tells the query: %v", a.Err)
			}
		})
	}
}

func TestNotifyIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, func(c *simulator.Config) {
			c.Now = time.Now
			c.HTTP.Transport = ingress(func(r *http.Request) (int, string, error) {
				<-r.Context().Done()
				return 0, "", r.Context().Err()
			})
		})
		s.pay(s.order("A1"))
		a := s.attempt()
		if !errors.Is(a.Err, context.DeadlineExceeded) || a.Took != 5*time.Second {
			t.Errorf("attempt took %v and ended with %v", a.Took, a.Err)
		}
	})
}

func TestRepeatsOfANotifyAreTheSameNotify(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var queries, bodies []string
		s := open(t, func(c *simulator.Config) {
			c.HTTP.Transport = ingress(func(r *http.Request) (int, string, error) {
				body, err := io.ReadAll(r.Body)
				queries, bodies = append(queries, r.URL.RawQuery), append(bodies, string(body))
				return http.StatusOK, "fail", err
			})
		})
		s.pay(s.order("A1"))
		elapse(time.Minute)
		if slices.Sort(queries); len(slices.Compact(queries)) != 1 {
			t.Error("the queries differ")
		}
		if sent := len(bodies); len(slices.Compact(slices.Sorted(slices.Values(bodies)))) != sent {
			t.Error("two bodies have one nonce")
		}
	})
}

func TestNotifiesUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var underWay, most int
		s := open(t, func(c *simulator.Config) {
			c.NotifySenders = 3
			c.HTTP.Transport = ingress(func(*http.Request) (int, string, error) {
				mu.Lock()
				underWay++
				most = max(most, underWay)
				mu.Unlock()
				<-time.After(time.Second)
				mu.Lock()
				underWay--
				mu.Unlock()
				return http.StatusOK, "success", nil
			})
		})
		for _, number := range []string{"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"} {
			s.pay(s.order(number))
		}
		elapse(time.Minute)
		if stats := s.wechat.Stats(); most != 3 || stats.NotifiesAcknowledged != 8 {
			t.Errorf("%d were under way at once, stats are %+v", most, stats)
		}
	})
}

func TestCloseEndsTheNotifies(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		answer ingress
		faults simulator.NotifySwitches
	}{
		{"that wait for their next sending", hears("fail"), simulator.NotifySwitches{}},
		{"that are under way", func(r *http.Request) (int, string, error) {
			<-r.Context().Done()
			return 0, "", r.Context().Err()
		}, simulator.NotifySwitches{}},
		{"that are late", hears("success"), simulator.NotifySwitches{Late: 1}},
		{"that are held back", hears("success"), simulator.NotifySwitches{OutOfOrder: 1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := open(t, func(c *simulator.Config) { c.HTTP.Transport = row.answer })
				s.switches(simulator.Switches{Notify: row.faults})
				s.pay(s.order("A1"))
				synctest.Wait()
				s.wechat.Close()
				s.wechat.Close()
				before := s.wechat.Stats()
				s.prepay(s.order("A2"))
				if _, err := s.wechat.PayOrder(t.Context(), "", "A2"); err != nil {
					t.Error(err)
				}
				elapse(time.Hour)
				if after := s.wechat.Stats(); after.NotifiesSent != before.NotifiesSent || after.Paid != 2 {
					t.Errorf("stats went from %+v to %+v", before, after)
				}
			})
		})
	}
}
