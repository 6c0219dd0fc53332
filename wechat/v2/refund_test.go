package v2_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled/wechat/v2"
)

// accepted is what testdata/refund_answer.xml says.
func accepted() v2.Repayment {
	return v2.Repayment{
		State: v2.RefundProcessing, AppID: "wx2421b1c4370ec43b", MchID: "10000100", OrderID: "1415757673",
		RefundID: "1415701182", TransactionID: "1008450740201411110005820873",
		WechatRefundID: "2008450740201411110000174436", RefundFee: 1, TotalFee: 1,
	}
}

func TestReadRefundSaysThatWeChatWorksOnIt(t *testing.T) {
	t.Parallel()
	with := func(change func(*v2.Repayment)) v2.Repayment {
		r := accepted()
		change(&r)
		return r
	}
	for name, test := range map[string]struct {
		change map[string]string
		want   v2.Repayment
		err    error
	}{
		"accepted":                     {nil, accepted(), nil},
		"another refund's":             {map[string]string{"out_refund_no": "7"}, with(func(r *v2.Repayment) { r.RefundID = "7" }), nil},
		"another merchant's":           {map[string]string{"mch_id": "10000101"}, with(func(r *v2.Repayment) { r.MchID = "10000101" }), nil},
		"no out_refund_no":             {map[string]string{"out_refund_no": ""}, v2.Repayment{}, v2.ErrUnreadable},
		"no out_trade_no":              {map[string]string{"out_trade_no": ""}, v2.Repayment{}, v2.ErrUnreadable},
		"no refund_id":                 {map[string]string{"refund_id": gone}, v2.Repayment{}, v2.ErrUnreadable},
		"no refund_fee":                {map[string]string{"refund_fee": gone}, v2.Repayment{}, v2.ErrUnreadable},
		"a total_fee in yuan":          {map[string]string{"total_fee": "0.01"}, v2.Repayment{}, v2.ErrUnreadable},
		"two fields that pass for one": {map[string]string{"out_refund_no": "1415701182&out_trade_no=1415757673", "out_trade_no": gone}, v2.Repayment{}, v2.ErrUnreadable},
		"the balance is short": {map[string]string{"result_code": "FAIL", "err_code": "NOTENOUGH", "err_code_des": "基本账户余额不足"}, v2.Repayment{},
			&v2.Error{Call: v2.RefundOrder, Code: "NOTENOUGH", Message: "基本账户余额不足"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := demo(v2.HMACSHA256).ReadRefund([]byte(signed(t, "refund_answer.xml", test.change)))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			wantError(t, err, test.err)
		})
	}
}

func TestReadRefundQueryFindsOurRefundAmongThoseListed(t *testing.T) {
	t.Parallel()
	succeeded := v2.Repayment{
		State: v2.RefundSuccess, AppID: "wx2421b1c4370ec43b", MchID: "10000100", OrderID: "1415757673",
		RefundID: "1415701182", TransactionID: "1008450740201411110005820873",
		WechatRefundID: "2008450740201411110000174436", RefundFee: 1, TotalFee: 3,
		RefundedAt: time.Date(2014, 11, 11, 9, 30, 0, 0, time.UTC), Account: "招商银行信用卡0403",
	}
	with := func(change func(*v2.Repayment)) v2.Repayment {
		r := succeeded
		change(&r)
		return r
	}
	processing := with(func(r *v2.Repayment) {
		r.State, r.RefundID, r.WechatRefundID, r.RefundFee = v2.RefundProcessing, "1415701181", "2008450740201411110000174435", 2
		r.RefundedAt, r.Account = time.Time{}, ""
	})
	for name, test := range map[string]struct {
		refundID string
		change   map[string]string
		want     v2.Repayment
		err      error
	}{
		"the first":  {"1415701181", nil, processing, nil},
		"the second": {"1415701182", nil, succeeded, nil},
		"closed": {"1415701182", map[string]string{"refund_status_1": "REFUNDCLOSE"}, with(func(r *v2.Repayment) {
			r.State, r.RefundedAt = v2.RefundClosed, time.Time{}
		}), nil},
		"not paid out": {"1415701182", map[string]string{"refund_status_1": "CHANGE", "refund_success_time_1": ""}, with(func(r *v2.Repayment) {
			r.State, r.RefundedAt = v2.RefundChange, time.Time{}
		}), nil},
		"succeeded, nobody says when": {"1415701182", map[string]string{"refund_success_time_1": gone}, with(func(r *v2.Repayment) {
			r.RefundedAt = time.Time{}
		}), nil},
		"a time of no calendar":        {"1415701182", map[string]string{"refund_success_time_1": "2014-11-31 17:30:00"}, v2.Repayment{}, v2.ErrUnreadable},
		"a time in the other spelling": {"1415701182", map[string]string{"refund_success_time_1": "20141111173000"}, v2.Repayment{}, v2.ErrUnreadable},
		"a state that nobody knows":    {"1415701182", map[string]string{"refund_status_1": "DONE"}, v2.Repayment{}, v2.ErrUnreadable},
		"no state":                     {"1415701182", map[string]string{"refund_status_1": gone}, v2.Repayment{}, v2.ErrUnreadable},
		"no amount":                    {"1415701182", map[string]string{"refund_fee_1": gone}, v2.Repayment{}, v2.ErrUnreadable},
		"the other's trouble":          {"1415701182", map[string]string{"refund_status_0": "DONE"}, succeeded, nil},
		"not listed":                   {"1415701183", nil, v2.Repayment{}, v2.ErrUnreadable},
		"nobody's number":              {"", nil, v2.Repayment{}, v2.ErrUnreadable},
		"listed twice":                 {"1415701182", map[string]string{"out_refund_no_0": "1415701182"}, v2.Repayment{}, v2.ErrUnreadable},
		"a refund that is not there": {"1415701182", map[string]string{"result_code": "FAIL", "err_code": "REFUNDNOTEXIST", "err_code_des": "not exist"}, v2.Repayment{},
			&v2.Error{Call: v2.RefundQuery, Code: "REFUNDNOTEXIST", Message: "not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := demo(v2.HMACSHA256).ReadRefundQuery(test.refundID, []byte(signed(t, "refundquery_answer.xml", test.change)))
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
			wantError(t, err, test.err)
		})
	}
}
