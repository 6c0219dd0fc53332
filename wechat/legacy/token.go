package legacy

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

const clientCredential = "client_credential"

// TokenQuery is the query of a Token call. It holds the AppSecret.
func (c Credentials) TokenQuery() string {
	return url.Values{
		"grant_type": {clientCredential}, "appid": {c.AppID}, "secret": {c.AppSecret},
	}.Encode()
}

// stableTokenRequest is the body of a StableToken call.
type stableTokenRequest struct {
	GrantType    string `json:"grant_type"`
	AppID        string `json:"appid"`
	Secret       string `json:"secret"`
	ForceRefresh bool   `json:"force_refresh"`
}

// StableTokenRequest writes the body of a StableToken call, which gives the same token to
// all who ask while it lives. It holds the AppSecret.
func (c Credentials) StableTokenRequest() ([]byte, error) {
	return writeBody(stableTokenRequest{GrantType: clientCredential, AppID: c.AppID, Secret: c.AppSecret})
}

// AccessToken opens every other call.
type AccessToken struct {
	Value string // up to 512 characters
	Life  time.Duration
}

// ReadToken reads the answer to call, either of the token calls. A good one has no
// errcode. ReadToken fails with *Error or ErrUnreadable.
func ReadToken(call Call, answer []byte) (AccessToken, error) {
	var body struct {
		errcode
		AccessToken text `json:"access_token"`
		ExpiresIn   text `json:"expires_in"`
	}
	if err := json.Unmarshal(trim(answer), &body); err != nil {
		return AccessToken{}, unreadable(err)
	}
	if body.Code != "" && body.Code != "0" {
		return AccessToken{}, body.verdict(call)
	}
	seconds, err := strconv.ParseUint(string(body.ExpiresIn), 10, 31)
	if body.AccessToken == "" || err != nil || seconds == 0 {
		return AccessToken{}, fmt.Errorf("%w: no access_token or expires_in", ErrUnreadable)
	}
	return AccessToken{Value: string(body.AccessToken), Life: time.Duration(seconds) * time.Second}, nil
}
