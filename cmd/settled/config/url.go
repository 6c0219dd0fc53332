package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// URL is where a server is, with the credentials for it. It shows the server to everyone,
// and the user, the password and the parameters to Reveal alone.
type URL struct{ secret Secret }

// NewURL hides the credentials in a URL, or in several with commas between them.
func NewURL(text string) URL { return URL{NewSecret(text)} }

// Reveal returns the URL as it was given.
func (u URL) Reveal() string { return u.secret.Reveal() }

// String is the URL without user, password and parameters. The user goes too: in NATS it
// may be a token.
func (u URL) String() string {
	var shown []string
	for _, one := range split(u.Reveal()) {
		parsed, err := url.Parse(one)
		if err != nil {
			return redacted
		}
		shown = append(shown, (&url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path}).String())
	}
	return strings.Join(shown, ",")
}

// Format writes String, for every verb.
func (u URL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// MarshalText is String, for JSON and its like.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// LogValue is String.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// split takes a list of URLs apart. A comma alone makes no list: it may be part of a
// password, which half a URL would show as a host.
func split(text string) []string {
	if strings.Count(text, ",")+1 != strings.Count(text, "://") {
		return []string{text}
	}
	return strings.Split(text, ",")
}
