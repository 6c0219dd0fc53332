package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"settled/contracts/contracttest"
	"settled/events"
)

// keeper holds what settled says in a world against the contract.
type keeper struct {
	*contracttest.Validator
	mu     sync.Mutex
	strays []string
}

// keepsContract reports, once the world has ended, what kept not to the contract.
func keepsContract(t *testing.T) *keeper {
	k := &keeper{Validator: contracttest.New(t)}
	t.Cleanup(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		for _, stray := range k.strays {
			t.Error(stray)
		}
	})
	return k
}

// note keeps an error: whoever finds it may do so after the test has ended.
func (k *keeper) note(err error, said []byte) {
	if err == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.strays = append(k.strays, fmt.Sprintf("%v\nsaid: %.600s", err, said))
}

// told checks an event or a dead letter.
func (k *keeper) told(subject string, header map[string][]string, data []byte) {
	place := "subscribe " + subject
	if strings.HasPrefix(subject, events.DeadPrefix) {
		place = "subscribe dead.{subject}"
		k.note(k.Value(place, nil), nil)
	} else {
		k.note(k.JSON(place, data), data)
		if kind := header[events.HeaderType]; len(kind) != 1 || kind[0] != subject {
			k.note(fmt.Errorf("%s: ce-type is %q", place, kind), data)
		}
		if id := header[events.HeaderID]; len(id) != 1 || header[events.HeaderMessageID][0] != id[0] {
			k.note(fmt.Errorf("%s: ce-id is %q, Nats-Msg-Id %q", place, id, header[events.HeaderMessageID]), data)
		}
	}
	k.note(k.Headers(place+" headers", header), fmt.Append(nil, header))
}

// taken checks a request that the ingress has published.
func (k *keeper) taken(subject string, header map[string][]string, data []byte) {
	k.note(k.JSON("publish "+subject, data), data)
	k.note(k.Headers("publish "+subject+" headers", header), fmt.Append(nil, header))
}

// replied checks a worker's reply to a request, and the event that it brings.
func (k *keeper) replied(subject string, data []byte) {
	k.note(k.JSON("reply to "+subject, data), data)
	var reply events.Reply
	k.note(json.Unmarshal(data, &reply), data)
	switch reply.Kind {
	case events.ReplyRecorded, events.ReplyCommitted:
		if !json.Valid(reply.Data) {
			k.note(fmt.Errorf("reply to %s: %s with broken JSON", subject, reply.Kind), reply.Data)
		}
	default:
		k.note(k.JSON("subscribe "+reply.Kind, reply.Data), reply.Data)
	}
}

// answered checks an answer of the ingress. What no operation of the contract has, such as an
// unknown address, is answered by a problem.
func (k *keeper) answered(method, path string, status int, header http.Header, body []byte) {
	place := fmt.Sprintf("%s, %d", k.operation(method, path), status)
	if _, known := k.Contract[place]; !known && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) {
		place = "POST /v1/payments, 400" // any problem
	}
	if err := k.Value(place, nil); err != nil { // no such status
		k.note(err, body)
		return
	}
	for name, p := range k.Contract {
		if header0, ok := strings.CutPrefix(name, place+" header "); ok && (p.Required || header.Get(header0) != "") {
			k.note(k.Value(name, readHeader(header.Get(header0), p.Schema.Types[0])), fmt.Append(nil, header))
		}
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case len(body) == 0:
	case err != nil:
		k.note(fmt.Errorf("%s: content type: %w", place, err), body)
	case strings.HasSuffix(kind, "json"):
		k.note(k.JSON(place+" "+kind, body), body)
	default:
		k.note(k.Value(place+" "+kind, string(body)), body)
	}
}

// readHeader reads a header as what the contract says it is; one that is not there is null.
func readHeader(text, kind string) any {
	number, err := strconv.Atoi(text)
	switch {
	case text == "":
		return nil
	case kind == "integer" && err == nil:
		return number
	default:
		return text
	}
}

// operation is the operation of the contract that a request asks for.
func (k *keeper) operation(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	asked := strings.Split(path, "/")
	for name := range k.Contract {
		template, ok := strings.CutPrefix(name, method+" ")
		if !ok || strings.Contains(template, ",") {
			continue
		}
		parts, same := strings.Split(template, "/"), true
		for i := range parts {
			same = same && len(parts) == len(asked) && (strings.HasPrefix(parts[i], "{") || parts[i] == asked[i])
		}
		if same {
			return name
		}
	}
	return method + " " + path
}

// overhear gives WeChat an address at which a proxy hears what the ingress answers, once it
// is connected to one.
func (k *keeper) overhear(t *testing.T) (publicURL string, connect func(ingress string)) {
	var at atomic.Pointer[url.URL]
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at.Load()) },
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			k.answered(r.Request.Method, r.Request.URL.Path, r.StatusCode, r.Header, body)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }, // settled has ended
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL, func(ingress string) {
		target, err := url.Parse(ingress)
		if err != nil {
			t.Fatal(err)
		}
		at.Store(target)
	}
}
