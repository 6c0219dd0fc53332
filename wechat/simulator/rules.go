package simulator

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What follows makes the rules of a protocol's values.

func oneOf(values ...string) func(string) bool {
	return func(value string) bool { return slices.Contains(values, value) }
}

func atMost(bytes int) func(string) bool {
	return func(value string) bool { return len(value) <= bytes }
}

func matches(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }

// maxFen keeps sums of two amounts far from overflow.
const maxFen = 1 << 53

func fen(least int64) func(string) bool {
	return func(value string) bool {
		n, err := strconv.ParseInt(value, 10, 64)
		return err == nil && n >= least && n <= maxFen && strconv.FormatInt(n, 10) == value
	}
}

func isCompactTime(value string) bool {
	_, err := time.Parse(compactTime, value)
	return err == nil && len(value) == len(compactTime)
}

// What APIv2 and APIv3 take as numbers of orders and refunds.
const (
	isOrderNumber  = `^[0-9A-Za-z_\-|*]{6,32}$`
	isRefundNumber = `^[0-9A-Za-z_\-|*@]{1,64}$`
)

func isIP(value string) bool {
	_, err := netip.ParseAddr(value)
	return err == nil
}

// notifyURL checks a notify_url (documents, "unified order" and "APP order"): public names
// need https, an address or a private name may do without.
func notifyURL(most int) func(string) bool {
	return func(value string) bool {
		u, err := url.Parse(value)
		if err != nil || len(value) > most || u.Host == "" || strings.ContainsAny(value, "?#") {
			return false
		}
		return u.Scheme == "https" || u.Scheme == "http" && isPrivate(u.Hostname())
	}
}

// isPrivate reports whether a host is none of the public domain name system's.
func isPrivate(host string) bool {
	if isIP(host) || !strings.Contains(host, ".") {
		return true
	}
	for _, suffix := range []string{".internal", ".local", ".localhost", ".test"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
