package legacy

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// customer is the XML body of a notify: its elements by their names in lowercase.
type customer map[string]string

// verify checks AppSignature: a SHA1 over five of the elements.
func (c customer) verify(paySignKey string) error {
	if method := c["signmethod"]; method != "" && !strings.EqualFold(method, signMethod) {
		return fmt.Errorf("%w: SignMethod %.32q", ErrUnverified, method)
	}
	signed := map[string]string{}
	for _, name := range []string{"appid", "issubscribe", "noncestr", "openid", "timestamp"} {
		signed[name] = c[name]
	}
	if !equal(strings.ToLower(c["appsignature"]), SignSHA1(signed, paySignKey)) {
		return fmt.Errorf("%w: AppSignature", ErrUnverified)
	}
	return nil
}

// readCustomer reads one <xml> element with plain elements in it and nothing else: no
// DTD, no comments, no depth, no name twice. encoding/xml knows no entities but the five
// of XML itself.
func readCustomer(body []byte) (customer, error) {
	read := customer{}
	tokens := xml.NewDecoder(bytes.NewReader(trim(body)))
	for open := []string(nil); ; {
		token, err := tokens.Token()
		if errors.Is(err, io.EOF) {
			return read, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		if open, err = read.take(token, open); err != nil {
			return nil, err
		}
	}
}

// take reads one token; open holds the names of the elements around it.
func (c customer) take(token xml.Token, open []string) ([]string, error) {
	switch token := token.(type) {
	case xml.StartElement:
		return c.enter(strings.ToLower(token.Name.Local), open)
	case xml.EndElement:
		return c.leave(open), nil
	case xml.CharData:
		return open, c.add(string(token), open)
	case xml.ProcInst:
		if token.Target == "xml" {
			return open, nil
		}
	}
	return nil, fmt.Errorf("%w: %T in the body", ErrUnreadable, token)
}

func (c customer) enter(name string, open []string) ([]string, error) {
	_, twice := c[name]
	if twice || len(open) > 1 || (len(open) == 0) != (name == "xml") {
		return nil, fmt.Errorf("%w: element %.32q is out of place", ErrUnreadable, name)
	}
	c[name] = ""
	return append(open, name), nil
}

// leave ends an element. The document's own sample has a space before a number, so space
// around a value is no part of it.
func (c customer) leave(open []string) []string {
	innermost := len(open) - 1
	c[open[innermost]] = strings.TrimSpace(c[open[innermost]])
	return open[:innermost]
}

func (c customer) add(characters string, open []string) error {
	if len(open) == 2 {
		c[open[1]] += characters
		return nil
	}
	if strings.TrimSpace(characters) != "" {
		return fmt.Errorf("%w: text between the elements", ErrUnreadable)
	}
	return nil
}
