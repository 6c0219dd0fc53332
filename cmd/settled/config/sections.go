package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

func readNATS(s *section) NATS {
	defer s.end()
	credentials, _ := s.at("credentials").file()
	return NATS{
		URL:         NewURL(s.at("url").text("nats://127.0.0.1:4222", server("nats", "tls", "ws", "wss"))),
		Credentials: credentials,
		InboxPrefix: s.at("inbox_prefix").text("_INBOX", inbox),
		Prefix:      s.at("prefix").text("", prefix),
		Replicas:    int(s.at("replicas").integer(1, 1, 5)),
		MaxMessages: s.at("max_messages").integer(4_000_000, 1, 1<<50),
	}
}

func readPostgres(s *section) Postgres {
	defer s.end()
	const local = "postgres://settled@127.0.0.1:5432/settled?sslmode=disable"
	return Postgres{URL: NewURL(s.at("url").text(local, server("postgres", "postgresql"), encrypted))}
}

func readRedis(s *section) Redis {
	defer s.end()
	return Redis{URL: NewURL(s.at("url").text("redis://127.0.0.1:6379/0", server("redis", "rediss", "unix"), database))}
}

func readAdmin(s *section) Admin {
	defer s.end()
	a := Admin{
		Listen: s.at("listen").text("127.0.0.1:8081", listen), Profile: s.at("profile").boolean(),
		Operators: readOperators(s.at("operators")),
	}
	if hosts := s.at("hosts"); !hosts.absent() {
		for _, item := range hosts.items() {
			a.Hosts = append(a.Hosts, item.need(hostName))
		}
	}
	if a.Listen != "" && !a.guarded() {
		s.at("listen").problem("%s", unguarded)
	}
	return a
}

const unguarded = "must be a loopback address such as 127.0.0.1:8081, unless admin.operators says who may come"

// guarded reports whether nobody comes to the page who may not.
func (a Admin) guarded() bool { return loopback(a.Listen) || len(a.Operators) > 0 }

// At is the same at another address, by the rules that hold for admin.listen.
func (a Admin) At(address string) (Admin, error) {
	a.Listen = address
	if issue := listen(address); issue != "" {
		return a, errors.New(issue)
	}
	if !a.guarded() {
		return a, errors.New(unguarded)
	}
	return a, nil
}

func readPayments(s *section) Payments {
	defer s.end()
	return Payments{
		TTL:           s.at("ttl").duration(30 * time.Minute),
		QuerySchedule: readSchedule(s.at("query_schedule")),
		InFlight:      int(s.at("in_flight").integer(512, 1, 4096)),
		Journal:       s.at("journal").durationOrNone(168*time.Hour, time.Hour, 10000*time.Hour),
	}
}

func readTraces(s *section) Traces {
	defer s.end()
	return Traces{
		Endpoint: s.at("endpoint").site("", orEmpty(web)),
		Sample:   s.at("sample").fraction(0.01),
		Headers:  readHeaders(s.at("headers").section()),
	}
}

func readHeaders(s *section) map[string]Secret {
	headers := map[string]Secret{}
	for _, name := range s.names() {
		if headers[name] = s.at(name).secret(oneLine); !token(name) {
			s.at(name).problem("is no name of an HTTP header")
		}
	}
	return headers
}

func readSchedule(v value) []time.Duration {
	if v.absent() {
		const s, m = time.Second, time.Minute
		return []time.Duration{5 * s, 30 * s, 1 * m, 3 * m, 5 * m, 10 * m, 30 * m}
	}
	var schedule []time.Duration
	for _, item := range v.items() {
		next := item.duration(0)
		if len(schedule) > 0 && next != 0 && next <= schedule[len(schedule)-1] {
			item.problem("must be longer than the one before it")
		}
		schedule = append(schedule, next)
	}
	return schedule
}

func readIngress(s *section, merchants map[string]Merchant) Ingress {
	defer s.end()
	return Ingress{
		Listen:    s.at("listen").text("127.0.0.1:8080", listen),
		PublicURL: s.at("public_url").needSite(web),
		Stored:    s.at("acknowledge").text("committed", oneOf("committed", "stored")) == "stored",
		Tokens:    readTokens(s.at("tokens"), slices.Sorted(maps.Keys(merchants))),
	}
}

// readTokens takes no tokens at all for an answer: then orders come over NATS alone.
func readTokens(v value, merchants []string) []Token {
	if v.absent() {
		return nil
	}
	var tokens []Token
	names, secrets := map[string]string{}, map[string]string{}
	for _, item := range v.list() {
		s := item.section()
		token := Token{
			Name:      s.at("name").need(unlike(names, item.key)),
			Token:     s.at("token").secret(unlike(secrets, item.key)),
			Merchants: readTokenMerchants(s.at("merchants"), merchants),
			Rate:      int(s.at("rate").integer(2000, 1, 1_000_000)),
		}
		s.end()
		tokens = append(tokens, token)
	}
	return tokens
}

func readTokenMerchants(v value, known []string) []string {
	var merchants []string
	for _, item := range v.items() {
		merchants = append(merchants, item.need(func(name string) string {
			if slices.Contains(known, name) {
				return ""
			}
			return "there is no such merchant" + suggest(name, known)
		}))
	}
	return merchants
}

// unlike refuses what an earlier item of the list has already; seen remembers who had it.
func unlike(seen map[string]string, key string) check {
	return func(text string) string {
		if first, ok := seen[text]; ok {
			return fmt.Sprintf("is the same as that of %s", first)
		}
		seen[text] = key
		return ""
	}
}
