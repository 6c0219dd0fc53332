package console

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"settled"
)

func request(t *testing.T) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/console/", nil)
}

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// stands is a payment of 10 yuan in a state, that is due in a minute and expires in an hour.
func stands(status settled.Status, change func(*situation)) situation {
	s := situation{now: noon, payment: settled.Payment{
		Status: status, Amount: settled.Money{Total: 1000, Currency: settled.CNY}, DueAt: noon.Add(time.Minute), ExpiresAt: noon.Add(time.Hour),
	}}
	if change != nil {
		change(&s)
	}
	return s
}

func TestWhyAPaymentStandsWhereItStands(t *testing.T) {
	t.Parallel()
	const requested, prepared, completed, closed, failed = settled.StatusRequested, settled.StatusPrepared, settled.StatusCompleted, settled.StatusClosed, settled.StatusFailed
	done := func(s *situation) { s.payment.DueAt = time.Time{}; s.payment.Source = settled.FromNotify }
	with := func(changes ...func(*situation)) func(*situation) {
		return func(s *situation) {
			for _, change := range changes {
				change(s)
			}
		}
	}
	trouble := func(text string, attempts int) func(*situation) {
		return func(s *situation) { s.payment.Trouble, s.payment.Attempts = text, attempts }
	}
	flag := func(reason settled.FlagReason) func(*situation) {
		return func(s *situation) { s.flags = append(s.flags, settled.Flag{Reason: reason}) }
	}
	refund := func(status settled.RefundStatus, held bool, amount settled.Fen) func(*situation) {
		return func(s *situation) {
			s.refunds = append(s.refunds, settled.Refund{Status: status, Held: held, Amount: amount, CreatedAt: noon.Add(time.Duration(len(s.refunds)) * time.Minute)})
			if held {
				s.payment.Refunding += amount
			}
		}
	}
	closing := func(s *situation) { s.closing = true }
	expired := func(s *situation) { s.payment.ExpiresAt = noon.Add(-time.Second) }
	late := func(s *situation) { s.payment.DueAt = noon.Add(-2 * time.Minute) }
	for name, row := range map[string]struct {
		s    situation
		want string
	}{
		"just recorded":                        {stands(requested, nil), "It is recorded, and WeChat is being asked for a prepay id."},
		"no answer":                            {stands(requested, trouble("outcome unknown: timeout: deadline exceeded", 1)), "There is no prepay id yet: the last attempt to ask WeChat for a prepay id led to nothing, because WeChat did not answer in time; the very same request is sent again."},
		"a gateway's page":                     {stands(requested, trouble("outcome unknown: status_502: no answer of WeChat's own", 3)), "There is no prepay id yet: the last 3 attempts to ask WeChat for a prepay id led to nothing, at last because WeChat answered with status_502, which says nothing about the order; the very same request is sent again."},
		"contested":                            {stands(requested, trouble("refused: ORDERCLOSED: order closed", 1)), "There is no prepay id yet: the last attempt to ask WeChat for a prepay id led to nothing, because WeChat refused with ORDERCLOSED, for what it knows of this number; the very same request is sent again."},
		"contested, and the query fails":       {stands(requested, trouble("query contested order: outcome unknown: connection: refused", 1)), "There is no prepay id yet: the last attempt to ask WeChat about the order led to nothing, because WeChat could not be reached; the very same request is sent again."},
		"recorded, and nobody works":           {stands(requested, late), "Its time has come and no worker has taken it up: does a worker run that serves this merchant?"},
		"recorded, too late":                   {stands(requested, expired), "Its time is up: WeChat is asked once more, and if it is unpaid it is closed."},
		"can be paid":                          {stands(prepared, nil), "The customer can pay and has not paid yet, as far as WeChat has said."},
		"nobody knows whether it is paid":      {stands(prepared, trouble("query order: outcome unknown: host_open: both", 2)), "The customer can pay, and nobody knows whether they have: the last 2 attempts to ask WeChat about the order led to nothing, at last because WeChat's hosts fail and are left alone for a moment; it is tried again."},
		"WeChat's own code":                    {stands(prepared, trouble("query order: outcome unknown: SYSTEMERROR: busy", 1)), "The customer can pay, and nobody knows whether they have: the last attempt to ask WeChat about the order led to nothing, because WeChat answered SYSTEMERROR, which says nothing final; it is tried again."},
		"something new":                        {stands(prepared, trouble("nobody has seen this before", 1)), "The customer can pay, and nobody knows whether they have: the last attempt to ask WeChat about the order led to nothing, because of what stands below; it is tried again."},
		"somebody closes it":                   {stands(prepared, closing), "An operator wants it closed: WeChat is asked first whether it was paid."},
		"somebody closes it in vain":           {stands(prepared, with(closing, trouble("close order: outcome unknown: timeout: x", 1))), "An operator wants it closed, and that has to wait: the last attempt to close the order at WeChat led to nothing, because WeChat did not answer in time; it is tried again."},
		"time is up, and WeChat is silent":     {stands(prepared, with(expired, trouble("query order after its close: outcome unknown: unverified: x", 1))), "Its time is up, and it can't be closed before WeChat says that it is unpaid: the last attempt to ask WeChat about the order led to nothing, because the signature of WeChat's answer does not verify; it is tried again."},
		"another amount":                       {stands(prepared, with(flag(settled.AmountMismatch), trouble("amount_mismatch: x", 1))), "A person has to look at it before it is paid or unpaid: WeChat tells another amount than the order's; meanwhile WeChat is asked once an hour."},
		"another amount, and the flag settled": {stands(prepared, trouble("amount_mismatch: x", 1)), "It stays open because WeChat's word disagrees with the order: WeChat tells another amount than the order's; WeChat is asked once an hour."},
		"a flag of a later version":            {stands(prepared, flag("phase_of_the_moon")), "A person has to look at it before it is paid or unpaid: something disagrees; meanwhile WeChat is asked once an hour."},
		"paid":                                 {stands(completed, done), "The money is there: WeChat's notify said so."},
		"found paid":                           {stands(completed, with(done, func(s *situation) { s.payment.Source = settled.FromQuery })), "The money is there: WeChat said so when it was asked, because no notify had come."},
		"paid late":                            {stands(completed, with(done, func(s *situation) { s.payment.Late = true })), "The money is there, though it came after the payment had ended otherwise."},
		"paid twice":                           {stands(completed, with(done, flag(settled.SecondTransaction))), "The money is there, and a person has to look at it: it was paid twice, in two transactions."},
		"paid, to be acknowledged":             {stands(completed, nil), "The money is there, and WeChat is being told that the goods were delivered."},
		"paid, not acknowledged":               {stands(completed, trouble("acknowledge: outcome unknown: token: none", 2)), "The money is there, and WeChat has not taken yet that the goods were delivered: the last 2 attempts to tell WeChat of the delivery led to nothing, at last because there is no access token; it is tried again."},
		"paid, never acknowledged":             {stands(completed, with(done, trouble("outcome unknown: timeout: x", 900))), "The money is there, but WeChat never took that the goods were delivered, and is told no more."},
		"on its way back":                      {stands(completed, with(done, refund(settled.RefundAccepted, true, 250))), "The money is there, and ¥2.50 of ¥10.00 was given back or is on its way to the customer."},
		"given back":                           {stands(completed, with(done, refund(settled.RefundCompleted, true, 1000))), "It was paid, and all of it was given back."},
		"partly given back":                    {stands(completed, with(done, refund(settled.RefundCompleted, true, 1))), "It was paid, and ¥0.01 of ¥10.00 was given back."},
		"could not be paid out":                {stands(completed, with(done, refund(settled.RefundFailed, true, 250))), "The money is there, and a refund could not be paid out: say on WeChat's merchant platform where it is to go, and do not ask for it again under another number."},
		"refused refund":                       {stands(completed, with(done, refund(settled.RefundFailed, false, 250))), "The money is there, and a refund failed of which nothing was paid out: it may be asked for again under another number."},
		"refused refund, and another one":      {stands(completed, with(done, refund(settled.RefundFailed, false, 250), refund(settled.RefundCompleted, true, 250))), "It was paid, and ¥2.50 of ¥10.00 was given back."},
		"closed":                               {stands(closed, func(s *situation) { s.payment.DueAt = time.Time{}; s.payment.CloseReason = settled.Expired }), "Its time was up and it was not paid; WeChat was asked often enough whether money came all the same."},
		"closed, and looked after":             {stands(closed, func(s *situation) { s.payment.CloseReason = settled.Expired }), "Its time was up and it was not paid; WeChat is asked a few times more, in case money was on its way."},
		"closed by somebody":                   {stands(closed, func(s *situation) { s.payment.CloseReason = settled.Requested }), "Somebody closed it and it was not paid; WeChat is asked a few times more, in case money was on its way."},
		"closed, and WeChat is silent":         {stands(closed, trouble("query order: outcome unknown: budget: x", 1)), "It was closed unpaid, and whether money came all the same is not known: the last attempt to ask WeChat about the order led to nothing, because too many calls of this merchant were waiting; it is tried again."},
		"refused":                              {stands(failed, func(s *situation) { s.payment.DueAt = time.Time{}; s.payment.Failure.Code = "NOAUTH" }), "WeChat refused the order for good with NOAUTH; nothing more is tried."},
		"refused, and paid in another way":     {stands(failed, flag(settled.MerchantMismatch)), "WeChat refused the order, and a person has to look at it: WeChat's word belongs to another merchant, app or order."},
		"a state of a later version":           {stands("frozen", nil), "Its state is not known to this version of the program."},
	} {
		if got := reason(row.s).in(english); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, row.want)
		}
	}
}

// TestThereIsAReasonForWhateverMayBe goes through all that can come together.
func TestThereIsAReasonForWhateverMayBe(t *testing.T) {
	t.Parallel()
	troubles := []string{"", "what nobody has seen"}
	for code := range unknowns {
		troubles = append(troubles, "outcome unknown: "+code+": x", "query order: outcome unknown: "+code+": x")
	}
	for _, d := range deeds {
		troubles = append(troubles, d.prefix+"outcome unknown: status_502: x", d.prefix+"refused: CODE: x")
	}
	var flags [][]settled.Flag
	for _, f := range append(slices.Clone(flagReasons), "new") {
		troubles = append(troubles, string(f)+": x")
		flags = append(flags, []settled.Flag{{Reason: f}})
	}
	flags = append(flags, nil)
	refunds := [][]settled.Refund{nil}
	for _, s := range settled.RefundStatuses {
		refunds = append(refunds, []settled.Refund{{Status: s, Held: true}}, []settled.Refund{{Status: s}})
	}
	n := 0
	for _, status := range settled.Statuses {
		for _, trouble := range troubles {
			for _, flag := range flags {
				for bits := range 16 {
					attempts := []int{0, 1, 1000}[n%3]
					s := stands(status, func(s *situation) {
						s.payment.Trouble, s.payment.Attempts, s.flags, s.refunds = trouble, attempts, flag, refunds[n%len(refunds)]
						s.payment.Refunding = settled.Fen(n % 3 * 500)
						s.closing = bits&1 != 0
						if bits&2 != 0 {
							s.payment.ExpiresAt = noon
						}
						if bits&4 != 0 {
							s.payment.DueAt = []time.Time{{}, noon.Add(-time.Hour)}[n%2]
						}
						if bits&8 != 0 {
							s.payment.CloseReason, s.payment.Late, s.payment.Source = settled.Requested, true, settled.FromQuery
						}
					})
					n++
					for _, l := range []language{english, chinese} {
						said := reason(s).in(l)
						if gap.MatchString(said) || strings.Contains(said, "⟦") || said == "" || strings.HasSuffix(said, "..") {
							t.Fatalf("%s %q %d flags %v bits %d: %s", status, trouble, attempts, flag, bits, said)
						}
						if sentences := strings.Count(said, ". ") + strings.Count(said, "。"); l == english && sentences > 0 || l == chinese && sentences > 1 {
							t.Fatalf("more than one sentence: %s", said)
						}
					}
				}
			}
		}
	}
}

func TestWhyARefundStandsWhereItStands(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		r    settled.Refund
		want word
	}{
		{settled.Refund{Status: settled.RefundRequested, DueAt: noon}, "refund.requested"},
		{settled.Refund{Status: settled.RefundRequested, DueAt: noon.Add(-time.Hour)}, "refund.overdue"},
		{settled.Refund{Status: settled.RefundRequested, DueAt: noon, Trouble: "request refund: outcome unknown: timeout: x"}, "refund.trouble"},
		{settled.Refund{Status: settled.RefundAccepted, DueAt: noon}, "refund.accepted"},
		{settled.Refund{Status: settled.RefundAccepted, DueAt: noon, Trouble: "WeChat accepted the refund, and says now that it does not know it"}, "refund.trouble"},
		{settled.Refund{Status: settled.RefundCompleted, Held: true}, "refund.completed"},
		{settled.Refund{Status: settled.RefundFailed, Held: true}, "refund.abnormal"},
		{settled.Refund{Status: settled.RefundFailed}, "refund.failed"},
	} {
		if got := refundReason(row.r, noon); got.key != row.want {
			t.Errorf("%s held %v %q: %s, want %s", row.r.Status, row.r.Held, row.r.Trouble, got.key, row.want)
		}
	}
}
