package v3

// CloseRequest writes the body of close. Its answer has no body: that it verifies is all
// there is to read.
func (c Credentials) CloseRequest() ([]byte, error) {
	return writeBody(struct {
		MchID string `json:"mchid"`
	}{c.MchID})
}
