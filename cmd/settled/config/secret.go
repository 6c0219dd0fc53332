package config

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "REDACTED"

// Secret is a text that shows itself to Reveal alone: not to fmt, whatever the verb, nor
// to log/slog, JSON or YAML.
//
// The text stands behind a pointer, because fmt reads the unexported fields of a struct
// without asking their methods.
type Secret struct{ text *string }

// NewSecret hides a text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text itself. Whoever calls it must not pass it on to a log.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String is REDACTED.
func (Secret) String() string { return redacted }

// Format writes REDACTED, for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText is REDACTED, for JSON and its like.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue is REDACTED.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
