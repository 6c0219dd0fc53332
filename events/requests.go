package events

import (
	"fmt"
	"net/netip"
	"regexp"
	"time"
)

// MaxBody is the largest request, in bytes.
const MaxBody = 64 << 10

// The limits of payment.requested.
const (
	maxTotal       = 100_000_000_000
	maxDescription = 127
	maxAttach      = 127
	maxMetadata    = 16
	maxName        = 64
	maxOpenID      = 128
)

// orderID is the alphabet and length of an order id, WeChat's out_trade_no.
var orderID = regexp.MustCompile(`^[0-9A-Za-z_\-|*]{6,32}$`)

// PaymentRequest is the body of payment.requested, defaults filled in.
type PaymentRequest struct {
	Merchant    string
	OrderID     string
	Amount      Amount
	Description string
	TradeType   string
	ClientIP    string
	PayerOpenID string
	Attach      string
	ExpiresAt   time.Time // zero if the request names none
	Metadata    map[string]string
}

// ParsePaymentRequest reads payment.requested and checks every rule that does not depend
// on the clock; protocols tells the protocol (legacy, v2, v3) of each configured merchant.
// It fails with ErrMalformed or Problems; with Problems the request holds what could be
// read.
func ParsePaymentRequest(data []byte, protocols map[string]string) (PaymentRequest, error) {
	var problems Problems
	if len(data) > MaxBody {
		problems.add("", fmt.Sprintf("must have at most %d bytes, has %d", MaxBody, len(data)))
		return PaymentRequest{}, problems
	}
	o, err := readObject(data, &problems)
	if err != nil {
		return PaymentRequest{}, err
	}
	request := PaymentRequest{
		Merchant:    o.text("merchant", 1, maxName),
		OrderID:     o.orderID(),
		Amount:      o.amount(),
		Description: o.text("description", 1, maxDescription),
		TradeType:   o.tradeType(),
		ClientIP:    o.address("client_ip"),
		Attach:      o.text("attach", 0, maxAttach),
		ExpiresAt:   o.time("expires_at"),
		Metadata:    o.texts("metadata", maxMetadata),
	}
	request.PayerOpenID = o.payer(request.TradeType)
	o.end()
	request.suit(protocols, &problems)
	return request, problems.err()
}

// alphanumeric is an order id in the legacy protocol.
var alphanumeric = regexp.MustCompile(`^[0-9A-Za-z]*$`)

// suit checks the rules that depend on the merchant and its protocol.
func (r PaymentRequest) suit(protocols map[string]string, problems *Problems) {
	protocol, ok := protocols[r.Merchant]
	if !ok && r.Merchant != "" {
		problems.add("merchant", "is not configured")
	}
	if protocol != "legacy" {
		return
	}
	if !alphanumeric.MatchString(r.OrderID) {
		problems.add("order_id", "must be letters and digits only in the legacy protocol")
	}
	if r.TradeType != "APP" {
		problems.add("trade_type", "must be APP in the legacy protocol")
	}
}

func (o object) orderID() string {
	id := o.text("order_id", 1, MaxBody)
	if id != "" && !orderID.MatchString(id) {
		o.problem("order_id", "must be 6 to 32 of 0-9 A-Z a-z _ - | *")
	}
	return id
}

func (o object) amount() Amount {
	inner, ok := o.object("amount", true)
	if !ok {
		return Amount{}
	}
	amount := Amount{Total: inner.integer("total", 1, maxTotal), Currency: inner.currency()}
	inner.end()
	return amount
}

// currency reads CNY, the only one there is and the default.
func (o object) currency() string {
	currency := o.text("currency", 0, maxName)
	if currency == "" {
		return "CNY"
	}
	if currency != "CNY" {
		o.problem("currency", "must be CNY")
	}
	return currency
}

func (o object) tradeType() string {
	switch tradeType := o.text("trade_type", 0, maxName); tradeType {
	case "":
		return "APP"
	case "APP", "JSAPI", "NATIVE", "H5":
		return tradeType
	default:
		o.problem("trade_type", "must be APP, JSAPI, NATIVE or H5")
		return tradeType
	}
}

func (o object) payer(tradeType string) string {
	openID := ""
	if inner, ok := o.object("payer", false); ok {
		openID = inner.text("openid", 0, maxOpenID)
		inner.end()
	}
	if tradeType == "JSAPI" && openID == "" {
		o.problem("payer.openid", "is missing; JSAPI needs it")
	}
	return openID
}

func (o object) address(name string) string {
	text := o.text(name, 0, maxName)
	if text == "" {
		return ""
	}
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		o.problem(name, "must be an IP address")
	}
	return text
}

// Return is the body of payment.returned: either the payment's id, or merchant and order.
type Return struct {
	PaymentID string `json:"payment_id,omitempty"`
	Merchant  string `json:"merchant,omitempty"`
	OrderID   string `json:"order_id,omitempty"`
}

// ParseReturn reads payment.returned. It fails with ErrMalformed or Problems.
func ParseReturn(data []byte) (Return, error) {
	var problems Problems
	o, err := readObject(data, &problems)
	if err != nil {
		return Return{}, err
	}
	r := Return{
		PaymentID: o.text("payment_id", 0, maxName),
		Merchant:  o.text("merchant", 0, maxName),
		OrderID:   o.text("order_id", 0, maxName),
	}
	o.end()
	if r.PaymentID == "" && (r.Merchant == "" || r.OrderID == "") {
		problems.add("payment_id", "is missing, and so is merchant or order_id")
	}
	return r, problems.err()
}
