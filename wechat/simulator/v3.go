package simulator

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// v3 is APIv3: JSON both ways, signed with RSA keys of which each side has its own.
type v3 struct {
	s        *Simulator
	accounts map[string]*account // by mch id
	keys     map[*account]*v3Keys
	bills    v3Bills
}

func newV3(s *Simulator) *v3 {
	return &v3{s: s, accounts: map[string]*account{}, keys: map[*account]*v3Keys{}}
}

func (v *v3) open(m Merchant) (*account, error) {
	if err := checkV3KeyID(m); err != nil {
		return nil, err
	}
	keys, err := newV3Keys(m, v.s.cfg.Now, v.s.dice)
	if err != nil {
		return nil, err
	}
	a := &account{Merchant: m, protocol: v}
	v.accounts[m.MchID], v.keys[a] = a, keys
	return a, nil
}

func (v *v3) register(mux *http.ServeMux) {
	const orders, refunds = "/v3/pay/transactions/", "/v3/refund/domestic/refunds"
	for name, call := range v3Prepays {
		mux.Handle(orders+name, v.serve(call, v.prepay(call.trade)))
	}
	mux.Handle(orders+"out-trade-no/{out_trade_no}", v.serve(v3Query, v.queryNumber))
	mux.Handle(orders+"id/{transaction_id}", v.serve(v3QueryID, v.queryID))
	mux.Handle(orders+"out-trade-no/{out_trade_no}/close", v.serve(v3Close, v.close))
	mux.Handle(refunds, v.serve(v3RefundCall, v.refund))
	mux.Handle(refunds+"/{out_refund_no}", v.serve(v3RefundQuery, v.queryRefund))
	mux.Handle("/v3/bill/tradebill", v.serve(v3TradeBill, v.tradebill))
	mux.Handle("/v3/billdownload/file", v.serve(v3BillFile, v.billdownload))
	mux.Handle("/v3/certificates", v.serve(v3Certificates, v.certificates))
	mux.HandleFunc("/v3/", v.nowhere)
}

func (v *v3) schedule() []time.Duration { return untilHeard() }

// heard is true for the two statuses that the document asks for, whatever the body says.
func (v *v3) heard(status int, _ []byte) bool {
	return status == http.StatusOK || status == http.StatusNoContent
}

// v3Request is a call of a merchant's that was read.
type v3Request struct {
	account       *account // nil if it is nobody's
	authorization v3Authorization
	malformed     error  // why the call can't be read
	method        string // as it was sent, and so is target: both are signed
	target        string
	host          string // where it came in, with the scheme
	header        http.Header
	path          map[string]string
	query         url.Values
	body          []byte
	object        v3Object // the body, once it was checked
}

// maxV3Body is far more than any call needs.
const maxV3Body = 64 << 10

// serve answers one of the API's calls; work does it, and fails with *v3Refusal.
func (v *v3) serve(call v3Call, work func(v3Request) (any, error)) http.Handler {
	faulty := v.s.gateway(v3Troubles, func(r *http.Request) exchange {
		request := v.read(r, call)
		number := v.number(request)
		return exchange{
			number: number,
			busy:   func() reply { return v.busy(request) },
			spoil:  spoilV3Reply,
			work: func() reply {
				answer, err := any(nil), v.check(&request, call)
				if err == nil {
					answer, err = work(request)
				}
				if err != nil {
					v.s.refused(r, slog.String("reason", err.Error()))
				}
				return v.twist(v.reply(request, answer, err), number)
			},
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Request-ID", v.requestID(""))
		faulty.ServeHTTP(w, r)
	})
}

func (v *v3) read(r *http.Request, call v3Call) v3Request {
	request := v3Request{method: r.Method, target: target(r), host: origin(r), header: r.Header, path: map[string]string{}}
	for _, rule := range call.path {
		request.path[rule.name] = r.PathValue(rule.name)
	}
	request.authorization, request.malformed = readAuthorization(r.Header)
	request.account = v.accounts[request.authorization.mchID]
	if r.Method != call.method {
		request.malformed = refuseV3(v3BadMethod, "the method must be "+call.method)
		return request
	}
	var err error
	if request.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		request.malformed = refuseV3(v3InvalidParameter, "the query is malformed")
		return request
	}
	request.body, err = io.ReadAll(io.LimitReader(r.Body, maxV3Body+1))
	switch {
	case err != nil:
		request.malformed = refuseV3(v3InvalidParameter, "the body ends too soon")
	case len(request.body) > maxV3Body:
		request.malformed = refuseV3(v3InvalidParameter, "the body is too long")
	}
	return request
}

// target is the address of a call as it came in, without a host: decoding and spelling it
// again might give another.
func target(r *http.Request) string {
	if !strings.HasPrefix(r.RequestURI, "/") {
		return r.URL.RequestURI()
	}
	return r.RequestURI
}

// origin is the host that a call came in at, with the scheme.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// number finds the out_trade_no that a call is about, before anything was checked.
func (v *v3) number(r v3Request) string {
	if number := r.path["out_trade_no"]; number != "" {
		return number
	}
	body, err := readV3Object(r.body)
	if number := body.text("out_trade_no"); err == nil && number != "" {
		return number
	}
	for _, transaction := range []string{r.path["transaction_id"], body.text("transaction_id")} {
		if o := v.s.book.findTransaction(r.account, transaction); o != nil {
			return o.number
		}
	}
	if refund := v.s.book.findRefund(r.account, r.path["out_refund_no"]); refund != nil {
		return refund.order.number
	}
	return ""
}

// nowhere answers for addresses that are none of the simulator's.
func (v *v3) nowhere(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Request-ID", v.requestID(v3NoResource))
	v3Reply(refuseV3(v3NoResource, "there is no call at "+r.URL.Path)).write(w)
}
