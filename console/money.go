package console

import (
	"strconv"
	"strings"

	"settled"
)

// yuan writes an amount for people, exactly and with its thousands apart: ¥1,234.50.
func yuan(m settled.Money) string {
	sign, total := "", m.Total
	if total < 0 {
		sign, total = "-", -total
	}
	text := grouped(int64(total/100)) + "." + strconv.FormatInt(int64(total%100)+100, 10)[1:]
	if m.Currency == settled.CNY || m.Currency == "" {
		return sign + "¥" + text
	}
	return sign + text + " " + plain(short(m.Currency))
}

// grouped writes a number with its thousands apart.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
