package v2

import "fmt"

// The words of return_code and result_code.
const (
	success = "SUCCESS"
	fail    = "FAIL"
)

// Error is an answer that says no.
type Error struct {
	Call Call
	// Code is err_code. It is empty if WeChat has not looked at what was asked at all
	// (return_code FAIL): such an answer is not signed, and tells nothing about an order.
	Code    string
	Message string // err_code_des, or return_msg where there is no code
}

// Error names the call and WeChat's own words.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%s: return_code FAIL: %s", e.Call.Name(), e.Message)
	}
	return fmt.Sprintf("%s: %s %s", e.Call.Name(), e.Code, e.Message)
}

// readAnswer verifies an answer and reads one that says yes.
func (c Credentials) readAnswer(call Call, answer []byte) (map[string]string, error) {
	fields, err := readXML(rootXML, answer)
	if err != nil {
		return nil, err
	}
	if fields["return_code"] == fail {
		return nil, &Error{Call: call, Message: fields["return_msg"]}
	}
	if err := c.verify(fields); err != nil {
		return nil, err
	}
	switch {
	case fields["return_code"] != success:
		return nil, fmt.Errorf("%w: return_code %.16q", ErrUnreadable, fields["return_code"])
	case fields["result_code"] == success:
		return fields, nil
	case fields["result_code"] == fail && fields["err_code"] != "":
		return nil, c.refusal(call, fields)
	default:
		return nil, fmt.Errorf("%w: result_code %.16q, err_code %.32q", ErrUnreadable, fields["result_code"], fields["err_code"])
	}
}

// refusal reads an answer that says no. One that names somebody else was not given to us;
// one that names nobody was, for WeChat may not have found who we are.
func (c Credentials) refusal(call Call, fields map[string]string) error {
	for name, ours := range map[string]string{"appid": c.AppID, "mch_id": c.MchID} {
		if told := fields[name]; told != "" && told != ours {
			return fmt.Errorf("%w: refused to %s %.64q", ErrUnreadable, name, told)
		}
	}
	return &Error{Call: call, Code: fields["err_code"], Message: fields["err_code_des"]}
}

// own fails if an answer was given to another app or merchant.
func (c Credentials) own(fields map[string]string) error {
	if fields["appid"] != c.AppID || fields["mch_id"] != c.MchID {
		return fmt.Errorf("%w: it is for app %.64q and merchant %.64q", ErrUnreadable, fields["appid"], fields["mch_id"])
	}
	return nil
}
