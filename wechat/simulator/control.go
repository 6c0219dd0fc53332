package simulator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// maxControl bounds what is read from somebody at the controls.
const maxControl = 64 << 10

func (s *Simulator) registerControls(mux *http.ServeMux) {
	mux.HandleFunc("POST /simulator/pay", s.servePay)
	mux.HandleFunc("GET /simulator/orders", s.serveStats)
	mux.HandleFunc("GET /simulator/orders/{out_trade_no}", s.serveOrder)
	mux.HandleFunc("GET /simulator/refunds/{out_refund_no}", s.serveRefund)
	mux.HandleFunc("POST /simulator/refunds/{out_refund_no}/mend", s.serveMend)
	mux.HandleFunc("GET /simulator/switches", s.serveSwitches)
	mux.HandleFunc("POST /simulator/switches", s.serveSwitch)
	mux.HandleFunc("POST /simulator/tokens/expire", s.serveExpireTokens)
}

func (s *Simulator) serveStats(w http.ResponseWriter, _ *http.Request) {
	writeControl(w, http.StatusOK, s.Stats())
}

func (s *Simulator) serveOrder(w http.ResponseWriter, r *http.Request) {
	o, err := s.Order(r.FormValue("merchant"), r.PathValue("out_trade_no"))
	if err != nil {
		writeControlError(w, err)
		return
	}
	writeControl(w, http.StatusOK, o)
}

func (s *Simulator) serveRefund(w http.ResponseWriter, r *http.Request) {
	refund, err := s.Refund(r.FormValue("merchant"), r.PathValue("out_refund_no"))
	if err != nil {
		writeControlError(w, err)
		return
	}
	writeControl(w, http.StatusOK, refund)
}

func (s *Simulator) serveMend(w http.ResponseWriter, r *http.Request) {
	merchant, number := r.FormValue("merchant"), r.PathValue("out_refund_no")
	if err := s.MendRefund(merchant, number); err != nil {
		writeControlError(w, err)
		return
	}
	s.serveRefund(w, r)
}

func (s *Simulator) serveSwitches(w http.ResponseWriter, _ *http.Request) {
	writeControl(w, http.StatusOK, s.Switches())
}

func (s *Simulator) serveSwitch(w http.ResponseWriter, r *http.Request) {
	var switches Switches
	if err := readControl(w, r, &switches); err != nil {
		writeControlError(w, err)
		return
	}
	if err := s.Switch(switches); err != nil {
		writeControlError(w, err)
		return
	}
	writeControl(w, http.StatusOK, s.Switches())
}

func (s *Simulator) serveExpireTokens(w http.ResponseWriter, _ *http.Request) {
	s.ExpireTokens()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Simulator) servePay(w http.ResponseWriter, r *http.Request) {
	var body json.RawMessage
	if err := readControl(w, r, &body); err != nil {
		writeControlError(w, err)
		return
	}
	receipt, err := s.payWith(r.Context(), body)
	if err != nil {
		writeControlError(w, err)
		return
	}
	writeControl(w, http.StatusOK, receipt)
}

// payWith takes the client object by itself, as the member client of anything bigger
// (the whole event that told of it), or in its place code_url, h5_url or the order's number.
// The client of an order without an app has nothing but code_url or h5_url.
func (s *Simulator) payWith(ctx context.Context, body json.RawMessage) (Receipt, error) {
	var named struct {
		Client     json.RawMessage `json:"client"`
		Merchant   string          `json:"merchant"`
		AppID      string          `json:"appid"`
		OutTradeNo string          `json:"out_trade_no"`
	}
	if err := json.Unmarshal(body, &named); err != nil {
		return Receipt{}, fmt.Errorf("read body: %w", err)
	}
	switch {
	case named.Client != nil:
		body = named.Client
	case named.OutTradeNo != "":
		return s.PayOrder(ctx, cmp.Or(named.Merchant, named.AppID), named.OutTradeNo)
	}
	var client map[string]string
	if err := json.Unmarshal(body, &client); err != nil {
		return Receipt{}, fmt.Errorf("read client: %w", err)
	}
	switch {
	case client["code_url"] != "":
		return s.PayCode(ctx, client["code_url"])
	case client["h5_url"] != "":
		return s.PayLink(ctx, client["h5_url"])
	}
	return s.Pay(ctx, client)
}

func readControl(w http.ResponseWriter, r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControl))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	if decoder.More() {
		return errors.New("read body: there is more after the end")
	}
	return nil
}

func writeControl(w http.ResponseWriter, status int, value any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply{status: status, contentType: "application/json", body: body.Bytes()}.write(w)
}

func writeControlError(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var declined *Declined
	switch {
	case errors.Is(err, ErrUnknownOrder), errors.Is(err, ErrUnknownRefund):
		status = http.StatusNotFound
	case errors.As(err, &declined):
		status = http.StatusUnprocessableEntity
	}
	writeControl(w, status, map[string]string{"error": err.Error()})
}
