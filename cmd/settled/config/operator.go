package config

import (
	"encoding/base64"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Operator is a person who may look at the operator's page, and what else.
type Operator struct {
	Name     string
	Role     string // RoleViewer or RoleOperator
	Password Secret // its hash, as pbkdf2-sha256$iterations$salt$key
}

// The roles.
const (
	RoleViewer   = "viewer"   // looks
	RoleOperator = "operator" // acts, too
)

// readOperators takes no operators at all for an answer: then whoever is on this machine may
// look, and nobody else comes to the page.
func readOperators(v value) []Operator {
	if v.absent() {
		return nil
	}
	var operators []Operator
	names := map[string]string{}
	for _, item := range v.list() {
		s := item.section()
		operators = append(operators, Operator{
			Name:     s.at("name").need(personName, unlike(names, item.key)),
			Role:     s.at("role").need(oneOf(RoleViewer, RoleOperator)),
			Password: s.at("password").secret(passwordHash),
		})
		s.end()
	}
	return operators
}

// personName accepts what can stand in a history and in a log.
func personName(text string) string {
	const most = 64
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	if len(text) > most || !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable) {
		return "must be a name of at most 64 bytes that can be printed"
	}
	return ""
}

// hostName accepts what stands in the address of a page before a port.
func hostName(text string) string {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool {
		return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) {
		return "must be a host name such as console.example.com, without a port"
	}
	return ""
}

// passwordHash accepts the form of a hash; whether a password fits is not for here.
func passwordHash(text string) string {
	const (
		issue     = "must be a hash such as pbkdf2-sha256$600000$<salt>$<key>: settled never reads the password itself"
		few, many = 100_000, 10_000_000
	)
	parts := strings.Split(text, "$")
	if len(parts) != 4 || parts[0] != "pbkdf2-sha256" {
		return issue
	}
	iterations, err := strconv.Atoi(parts[1])
	if err != nil || iterations < few || iterations > many {
		return "must have from 100000 to 10000000 iterations"
	}
	salt, key := decoded(parts[2]), decoded(parts[3])
	if len(salt) < 8 || len(salt) > 64 || len(key) != 32 {
		return issue
	}
	return ""
}

// decoded is base64, with or without its padding.
func decoded(text string) []byte {
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	return data
}

// loopback reports whether nobody outside of this machine reaches host:port.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
