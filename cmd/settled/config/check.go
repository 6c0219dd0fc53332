package config

import (
	"fmt"
	"net"
	"net/url"
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
			if u, err := url.Parse(one); err != nil || u.Opaque != "" || !slices.Contains(schemes, u.Scheme) {
				return fmt.Sprintf("must be a URL that starts with %s://", strings.Join(schemes, ":// or "))
			}
		}
		return ""
	}
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
	return prefix(text)
}

// prefix accepts what may start a NATS subject.
func prefix(text string) string {
	for _, r := range text {
		if r <= ' ' || r > '~' || strings.ContainsRune(`*>/\$`, r) {
			return `must not have spaces, *, >, /, \ or $`
		}
	}
	return ""
}
