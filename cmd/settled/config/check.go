package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// check returns what is wrong with a text, or "". It does not repeat the text, which may
// have come out of a variable that was meant for something else.
type check func(text string) (issue string)

func notEmpty(text string) string {
	if text == "" {
		return "is empty"
	}
	return ""
}

func orEmpty(c check) check {
	return func(text string) string {
		if text == "" {
			return ""
		}
		return c(text)
	}
}

func oneOf(options ...string) check {
	last := len(options) - 1
	want := strings.Join(options[:last], ", ") + " or " + options[last]
	return func(text string) string {
		if slices.Contains(options, text) {
			return ""
		}
		return "must be " + want
	}
}

func length(n int) check {
	return func(text string) string {
		if len(text) == n {
			return ""
		}
		return fmt.Sprintf("must have %d bytes", n)
	}
}

// web accepts the start of an HTTP URL, to which a path will be added.
func web(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return "must be a URL such as https://pay.example.com"
	case u.User != nil:
		return "must not carry a user or a password"
	case strings.ContainsAny(text, "?#"):
		return "must not have a query or a fragment"
	}
	return ""
}

// server accepts the URLs of a server, with commas between them, in one of the schemes.
// The host may be missing: PostgreSQL and Redis listen on sockets of the file system too.
func server(schemes ...string) check {
	return func(text string) string {
		for _, one := range split(text) {
			scheme, _, found := strings.Cut(one, "://")
			if !found || !slices.Contains(schemes, strings.ToLower(scheme)) {
				return fmt.Sprintf("must be a URL that starts with %s://", strings.Join(schemes, ":// or "))
			}
			if issue := address(one); issue != "" {
				return issue
			}
		}
		return ""
	}
}

// address returns what is wrong with a URL. What net/url says stays here: it quotes the
// URL, and a password with it.
func address(one string) string {
	u, err := url.Parse(one)
	var escape url.EscapeError
	switch {
	case errors.As(err, &escape):
		return "has a % without two hexadecimal digits after it: % itself is written %25"
	case err != nil:
		return "is no URL: a port is a number, and /, ?, #, @ and % of a password are written %2F, %3F, %23, %40 and %25"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "must have a port from 1 to 65535"
		}
	}
	return ""
}

// encrypted accepts the ways in which PostgreSQL may be asked for TLS.
func encrypted(text string) string {
	u, err := url.Parse(text)
	if err != nil || !u.Query().Has("sslmode") {
		return ""
	}
	if issue := oneOf("disable", "allow", "prefer", "require", "verify-ca", "verify-full")(u.Query().Get("sslmode")); issue != "" {
		return "has a parameter sslmode that " + issue
	}
	return ""
}

// database accepts the path of a Redis URL: the number of a database, or a socket's file.
func database(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return ""
	case u.Scheme == "unix" && strings.TrimSpace(u.Path) == "":
		return "must name the socket's file, such as unix:///run/redis/redis.sock"
	case u.Scheme == "unix", strings.Trim(u.Path, "/") == "":
		return ""
	}
	if _, err := strconv.ParseUint(strings.Trim(u.Path, "/"), 10, 31); err != nil {
		return "must end with the number of a database, such as /0"
	}
	return ""
}

// listen accepts host:port; no host means every address, port 0 any that is free.
func listen(text string) string {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "must be host:port, such as 127.0.0.1:8080"
	}
	return ""
}

// oneLine accepts what may stand in an HTTP header.
func oneLine(text string) string {
	for _, r := range text {
		if r < ' ' && r != '\t' || r == 0x7f {
			return "must be one line"
		}
	}
	return ""
}

// token reports whether a text may be the name of an HTTP header.
func token(text string) bool {
	for _, r := range text {
		if r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) {
			return false
		}
	}
	return text != ""
}

// inbox accepts the prefix of subjects that replies come on.
func inbox(text string) string {
	if text != "_INBOX" && !strings.HasPrefix(text, "_INBOX.") || strings.HasSuffix(text, ".") || strings.Contains(text, "..") {
		return "must be _INBOX, or _INBOX. and something"
	}
	for _, r := range text {
		if r <= ' ' || r > '~' || strings.ContainsRune(`*>/\$`, r) {
			return `must not have spaces, *, >, /, \ or $`
		}
	}
	return ""
}

// prefixForm is what stands before a subject and, with _ for each dot, before a stream's
// name: no empty word, no wildcard, nothing that NATS refuses in a name.
var prefixForm = regexp.MustCompile(`^([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?)?$`)

// prefix accepts what may stand before subjects and stream names, which have at most 255
// bytes themselves.
func prefix(text string) string {
	const most = 128
	if !prefixForm.MatchString(text) {
		return "must have letters, digits, - and _ alone, with single dots between them and one at the end at most, such as staging."
	}
	if len(text) > most {
		return fmt.Sprintf("must have at most %d bytes", most)
	}
	return ""
}
