package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"settled/cmd/settled/config"
)

const hunter = "hunter2"

// holder is somebody's struct with secrets in it, some where only fmt can see them.
type holder struct {
	Secret  config.Secret
	URL     config.URL
	List    []config.Secret
	ByName  map[string]config.URL
	inside  config.Secret
	outside config.URL
}

func hold() holder {
	secret, url := config.NewSecret(hunter), config.NewURL("redis://default:"+hunter+"@cache:6379/0?password="+hunter)
	return holder{secret, url, []config.Secret{secret}, map[string]config.URL{"a": url}, secret, url}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	h := hold()
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "T", "p", "t", "U", "20s", "-8v"} {
		for _, printed := range []any{h, &h, h.Secret, &h.Secret, h.URL, &h.URL, h.List, h.ByName} {
			fmt.Fprintf(&out, "%"+verb+"\n", printed)
		}
	}
	fmt.Fprintln(&out, fmt.Errorf("connect %s: %v", h.URL, h.Secret), h.Secret.String(), h.URL.String())
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(handler).InfoContext(t.Context(), "configured", "holder", h, "pointer", &h, "secret", h.Secret, "url", h.URL)
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		text, err := marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	hexed := fmt.Sprintf("%x", hunter)
	for _, line := range strings.Split(out.String(), "\n") {
		if strings.Contains(line, hunter) || strings.Contains(strings.ToLower(line), hexed) {
			t.Errorf("a secret in %q", line)
		}
	}
	for _, shown := range []string{"REDACTED", "redis://cache:6379/0"} {
		if !strings.Contains(out.String(), shown) {
			t.Errorf("nowhere is %q", shown)
		}
	}
}

func TestReveal(t *testing.T) {
	t.Parallel()
	h := hold()
	if got := h.Secret.Reveal(); got != hunter {
		t.Errorf("secret %q, want %q", got, hunter)
	}
	if got := (config.Secret{}).Reveal(); got != "" {
		t.Errorf("no secret %q, want none", got)
	}
}

func TestURLShowsTheServerAlone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"postgres://settled@127.0.0.1:5432/settled?sslmode=disable": "postgres://127.0.0.1:5432/settled",
		"postgres://u:p@a:1,b:2/settled":                            "postgres://a:1,b:2/settled",
		"postgres:///settled?host=/run/pg&password=p":               "postgres:///settled",
		"nats://token@a:4222":                                       "nats://a:4222",
		"nats://u:p@a:4222,tls://token@b:4222":                      "nats://a:4222,tls://b:4222",
		"redis://u:12,34@a:6379/0":                                  "redis://a:6379/0",
		"unix:///run/redis.sock":                                    "unix:///run/redis.sock",
		"redis://u:p%@a":                                            "REDACTED",
		"":                                                          "",
	} {
		if got := config.NewURL(text).String(); got != want {
			t.Errorf("%q shows %q, want %q", text, got, want)
		}
	}
}

// TestProblemsNeverTellASecret gives the secret in every place where a mistake can be made
// around it.
func TestProblemsNeverTellASecret(t *testing.T) {
	t.Parallel()
	for _, written := range []string{
		"*hunter2", "{hunter2: x}", "[hunter2]", "!!int hunter2", "!hunter2 x", "'hunter2", `"\hunter2"`, "file:hunter2", "@hunter2", "%hunter2", "|hunter2", "hunter2: x", "&hunter2",
	} {
		text := strings.Replace(least, "app_secret: &first s1", "app_secret: "+written, 1)
		text = strings.Replace(text, "public_url: \"https://pay.example.com\"", "public_url: \"ftp://u:hunter2@pay.example.com\"", 1)
		_, err := parse(text)
		if err == nil {
			t.Errorf("%s: taken", written)
		} else if strings.Contains(err.Error(), hunter) {
			t.Errorf("%s: told by %q", written, err)
		}
	}
	for _, key := range []string{"nats", "postgres", "redis"} {
		_, err := parse(least + key + ": {url: 'http://u:hunter2@a'}\n")
		if err == nil || strings.Contains(err.Error(), hunter) {
			t.Errorf("%s.url: got %v", key, err)
		}
	}
}
