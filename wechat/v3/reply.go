package v3

import (
	"encoding/json"
	"net/http"
)

// SuccessStatus is what WeChat hears when its notify is done with; there is no body.
const SuccessStatus = http.StatusNoContent

// failure is the body of every other reply. Its status must be 4xx or 5xx.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Failure writes the body that makes WeChat send its notify again.
func Failure(message string) []byte {
	body, err := json.Marshal(failure{Code: "FAIL", Message: message})
	if err != nil { // two strings can always be written
		return []byte(`{"code":"FAIL"}`)
	}
	return body
}
