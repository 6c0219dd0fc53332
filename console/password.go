package console

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// ShortestPassword is how many characters a password has at least.
	ShortestPassword = 12
	// longestPassword bounds what a stranger can make us read.
	longestPassword = 1024

	scheme = "pbkdf2-sha256"
	// rounds is what OWASP asks for with this hash: a fifth of a second of one core.
	rounds    = 600_000
	saltBytes = 16
	keyBytes  = 32

	// A hash that another program has made may be of fewer rounds, or of more.
	fewestRounds, mostRounds       = 100_000, 10_000_000
	fewestSaltBytes, mostSaltBytes = 8, 64
)

var errMalformed = errors.New("not of the form pbkdf2-sha256$600000$<salt>$<key>; settled password writes one")

// Hash makes what the configuration keeps of a password.
func Hash(password string, random io.Reader) (string, error) {
	if n := utf8.RuneCountInString(password); n < ShortestPassword || len(password) > longestPassword {
		return "", fmt.Errorf("a password has %d characters or more, and at most %d bytes", ShortestPassword, longestPassword)
	}
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	h := hashed{rounds: rounds, salt: salt}
	key, err := h.derive(password)
	if err != nil {
		return "", err
	}
	h.key = key
	return h.String(), nil
}

// Verify reports whether the password is the one that was hashed. It takes as long for any
// password.
func Verify(hash, password string) bool {
	h, err := readHash(hash)
	if err != nil {
		return false
	}
	key, err := h.derive(password)
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}

// hashed is a hash, taken apart.
type hashed struct {
	rounds    int
	salt, key []byte
}

func (h hashed) derive(password string) ([]byte, error) {
	key, err := pbkdf2.Key(sha256.New, password, h.salt, h.rounds, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	return key, nil
}

func (h hashed) String() string {
	base := base64.RawStdEncoding
	return strings.Join([]string{scheme, strconv.Itoa(h.rounds), base.EncodeToString(h.salt), base.EncodeToString(h.key)}, "$")
}

func readHash(text string) (hashed, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 4 || parts[0] != scheme {
		return hashed{}, errMalformed
	}
	h := hashed{}
	var err error
	if h.rounds, err = strconv.Atoi(parts[1]); err != nil || h.rounds < fewestRounds || h.rounds > mostRounds {
		return hashed{}, errMalformed
	}
	if h.salt, err = unpadded(parts[2]); err != nil || len(h.salt) < fewestSaltBytes || len(h.salt) > mostSaltBytes {
		return hashed{}, errMalformed
	}
	if h.key, err = unpadded(parts[3]); err != nil || len(h.key) != keyBytes {
		return hashed{}, errMalformed
	}
	return h, nil
}

// unpadded reads base64 as it is written with padding, and without.
func unpadded(text string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}
