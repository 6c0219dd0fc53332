package settled

import "fmt"

// Fen is an amount of money in hundredths of a yuan, the only unit WeChat knows.
// There are no floats anywhere in this program.
type Fen int64

// MaxAmount is the largest total a payment may ask for.
const MaxAmount Fen = 100_000_000_000

// CNY is the only currency an order may be paid in.
const CNY = "CNY"

// Money is an amount in a currency (ISO 4217 code).
type Money struct {
	Total    Fen
	Currency string
}

// String writes the amount for people: "19.99 CNY".
func (m Money) String() string {
	sign, total := "", m.Total
	if total < 0 {
		sign, total = "-", -total
	}
	return fmt.Sprintf("%s%d.%02d %s", sign, total/100, total%100, m.Currency)
}
