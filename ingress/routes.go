package ingress

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// route is one thing that can be asked for.
type route struct {
	method  string
	pattern string
	answer  func(in *Ingress, w http.ResponseWriter, r *http.Request) error
	// turnAway answers when too many requests are in hand already; nil: with a problem.
	turnAway func(in *Ingress, w http.ResponseWriter, r *http.Request)
}

var routes = []route{
	{http.MethodPost, "/v1/payments", (*Ingress).requestPayment, nil},
	{http.MethodGet, "/v1/payments/{merchant}/{order_id}", (*Ingress).showPayment, nil},
	{http.MethodPost, "/v1/payments/{merchant}/{order_id}/returned", (*Ingress).returnedWithToken, nil},
	{http.MethodPost, "/returned/{payment_id}", (*Ingress).returnedByApp, nil},
	{http.MethodPost, "/v1/refunds", (*Ingress).requestRefund, nil},
	{http.MethodGet, "/v1/refunds/{merchant}/{refund_id}", (*Ingress).showRefund, nil},
	{http.MethodPost, "/notify/{merchant}", (*Ingress).notify, (*Ingress).notifyLater},
	{http.MethodPost, "/notify/{merchant}/refund", (*Ingress).notify, (*Ingress).notifyLater},
}

func (in *Ingress) routes() *http.ServeMux {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, route := range routes {
		methods[route.pattern] = append(methods[route.pattern], route.method)
		mux.HandleFunc(route.method+" "+route.pattern, func(w http.ResponseWriter, r *http.Request) {
			in.dispatch(route, w, r)
		})
	}
	for pattern, allowed := range methods {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", strings.Join(slices.Sorted(slices.Values(allowed)), ", "))
			write(w, &problem{Status: http.StatusMethodNotAllowed, Detail: "This address does not take that method."})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, &problem{Status: http.StatusNotFound, Detail: "There is nothing at this address."})
	})
	return mux
}

// ServeHTTP answers a request.
func (in *Ingress) ServeHTTP(w http.ResponseWriter, r *http.Request) { in.mux.ServeHTTP(w, r) }

// dispatch answers by a route, or turns the request away if too many are in hand already, and
// counts and times the answer.
func (in *Ingress) dispatch(route route, w http.ResponseWriter, r *http.Request) {
	began := in.cfg.Now()
	answer, name := &answer{ResponseWriter: w, status: http.StatusOK}, route.pattern
	if in.cfg.Begin != nil {
		ctx, end := in.cfg.Begin(r.Context(), route.method, route.pattern, traceparent(r))
		r = r.WithContext(ctx)
		defer func() { end(answer.status) }()
	}
	select {
	case in.inHand <- struct{}{}:
		defer func() { <-in.inHand }()
		if err := route.answer(in, answer, r); err != nil {
			write(answer, in.problemOf(r, err))
		}
	default:
		name = "shed"
		if route.turnAway == nil {
			write(answer, busy())
		} else {
			route.turnAway(in, answer, r)
		}
	}
	in.cfg.Metrics.Answered(name, answer.status, in.cfg.Now().Sub(began))
}

func busy() *problem { return unavailable("Too many requests are being answered.") }

// answer remembers the status that was written.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status and passes it on.
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func retryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(d.Round(time.Second)/time.Second))))
}
