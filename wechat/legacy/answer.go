package legacy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrUnreadable: these bytes are not what the document says WeChat sends.
var ErrUnreadable = errors.New("can't be read")

func unreadable(cause error) error { return fmt.Errorf("%w: %w", ErrUnreadable, cause) }

// Error is an answer that says no.
type Error struct {
	Call    Call
	Code    int64  // errcode
	Message string // errmsg
}

// Error names the call and WeChat's own words.
func (e *Error) Error() string { return fmt.Sprintf("%s: %d %s", e.Call.Name(), e.Code, e.Message) }

// text is the text of a JSON string, number or boolean. WeChat writes one and the same
// field as 1, "1" or "".
type text string

// UnmarshalJSON reads any value; what is not a scalar is as good as not there.
func (t *text) UnmarshalJSON(raw []byte) error {
	switch raw[0] {
	case '"':
		if err := json.Unmarshal(raw, (*string)(t)); err != nil {
			return err
		}
	case '{', '[', 'n':
		*t = ""
	default:
		*t = text(raw)
	}
	if strings.ContainsRune(string(*t), 0) {
		return errors.New("U+0000 in a value")
	}
	return nil
}

// errcode is what every answer may begin with.
type errcode struct {
	Code    text `json:"errcode"`
	Message text `json:"errmsg"`
}

// verdict is nil for the code 0.
func (e errcode) verdict(call Call) error {
	code, err := strconv.ParseInt(string(e.Code), 10, 64)
	if err != nil {
		return fmt.Errorf("%w: no errcode", ErrUnreadable)
	}
	if code != 0 {
		return &Error{Call: call, Code: code, Message: string(e.Message)}
	}
	return nil
}

// readAnswer reads an answer with the code 0 into body.
func readAnswer(call Call, answer []byte, body any) error {
	var head errcode
	if err := json.Unmarshal(trim(answer), &head); err != nil {
		return unreadable(err)
	}
	if err := head.verdict(call); err != nil {
		return err
	}
	if err := json.Unmarshal(trim(answer), body); err != nil {
		return unreadable(err)
	}
	return nil
}

// trim takes off the byte order mark that some proxies and PHP pages put first.
func trim(answer []byte) []byte {
	return bytes.TrimPrefix(bytes.TrimSpace(answer), []byte("\ufeff"))
}

// writeBody writes a request. WeChat refuses \uxxxx in it (40033, 47002), so & stays & and
// whatever can't be written without such an escape is not sent at all.
func writeBody(body any) ([]byte, error) {
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	if bytes.Contains(written.Bytes(), []byte(`\u`)) {
		return nil, errors.New(`write request: a character that only \uxxxx can write`)
	}
	return bytes.TrimSuffix(written.Bytes(), []byte("\n")), nil
}
