package v3

import (
	"slices"
	"strings"
	"time"
)

// Keyring holds the keys that WeChat may sign with, by their ids. Several are good at once
// while WeChat changes its certificate, or moves a merchant from certificates to a public
// key: the one that WeChat names decides, never the newest.
//
// A Keyring does not change; its zero value holds nothing.
type Keyring struct{ keys map[string]Key }

// NewKeyring returns a keyring of the keys. Of two with the same id the later one counts.
func NewKeyring(keys ...Key) Keyring {
	ring := Keyring{keys: make(map[string]Key, len(keys))}
	for _, key := range keys {
		ring.keys[plainID(key.ID)] = key
	}
	return ring
}

// Empty reports whether there is no key at all.
func (k Keyring) Empty() bool { return len(k.keys) == 0 }

// Newest is the certificate that began last of those that live at a time: the one whose
// serial a request names when there is no public key. ok is false if there is none.
func (k Keyring) Newest(at time.Time) (newest Key, ok bool) {
	for _, key := range k.keys {
		if key.Certificate() && key.Lives(at) && (!ok || key.NotBefore.After(newest.NotBefore)) {
			newest, ok = key, true
		}
	}
	return newest, ok
}

// Certificates are the platform certificates, the oldest first.
func (k Keyring) Certificates() []Key {
	var all []Key
	for _, key := range k.keys {
		if key.Certificate() {
			all = append(all, key)
		}
	}
	slices.SortFunc(all, func(a, b Key) int { return a.NotBefore.Compare(b.NotBefore) })
	return all
}

// plainID is how an id is compared. Serials are numbers: the case of their digits and zeros
// in front mean nothing.
func plainID(id string) string { return strings.TrimLeft(strings.ToUpper(id), "0") }
