//go:build browser

package console_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"settled/console"
)

// pictures is where the pages are drawn, for people to look at.
const pictures = "../bin/console"

// chromium starts one browser for all tests of a parent; each opens profiles of its own.
func chromium(t *testing.T) context.Context {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if at, err := exec.LookPath(name); err == nil {
			program = at
			break
		}
	}
	if program == "" {
		t.Fatal("there is no chromium; scripts/setup-browser installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("headless", "new"), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("font-render-hinting", "none"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return ctx
}

// tab is one page in a profile of its own, and what went wrong in it.
type tab struct {
	t    *testing.T
	ctx  context.Context
	desk *desk
	bad  *lines
}

func newTab(t *testing.T, chromium context.Context, d *desk) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 60*time.Second)
	t.Cleanup(cancel)
	v := &tab{t: t, ctx: ctx, desk: d, bad: &lines{}}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			fmt.Fprintf(v.bad, "script failed: %s\n", e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			fmt.Fprintf(v.bad, "console said: %s\n", e.Type)
		case *page.EventJavascriptDialogOpening:
			fmt.Fprintf(v.bad, "a dialog opened: %s\n", e.Message)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, steps...); err != nil {
		v.t.Fatal(err)
	}
}

// order gives the browser a command of its protocol.
func order[P, R any](v *tab, command cdp.Command[P, R], params P) {
	v.t.Helper()
	if _, err := chromedp.Call(v.ctx, command, params); err != nil {
		v.t.Fatal(err)
	}
}

func (v *tab) open(path string) {
	v.t.Helper()
	v.do(chromedp.Navigate(v.desk.server.URL+path), chromedp.WaitReady(chromedp.CSS("main")))
}

func (v *tab) ask(script string) string {
	v.t.Helper()
	said, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		v.t.Fatal(err)
	}
	return said
}

// become makes the tab a phone or a desk, by day or by night, in a language.
func (v *tab) become(l look) {
	v.t.Helper()
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	order(v, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: l.width, Height: l.height, DeviceScaleFactor: l.scale, Mobile: l.width < 600,
	})
	order(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	order(v, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Shanghai"})
	order(v, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": l.language}})
}

type look struct {
	name          string
	width, height int64
	scale         float64
	dark          bool
	language      string
}

var looks = []look{
	{"desk-en", 1280, 860, 1, false, "en"},
	{"desk-zh-dark", 1280, 860, 1, true, "zh-CN"},
	{"phone-en-dark", 360, 740, 1, true, "en"},
	{"phone-zh", 360, 740, 1, false, "zh-CN"},
}

// walk is every page that there is.
var walk = []struct{ name, path string }{
	{"overview", "/console/"},
	{"payments", "/console/payments"},
	{"payments-narrowed", "/console/payments?status=completed&merchant=shop2"},
	{"payments-none", "/console/payments?merchant=nobody"},
	{"payment-hangs", "/console/payments/" + id(10)},
	{"payment-flagged", "/console/payments/" + id(3)},
	{"payment-completed", "/console/payments/" + id(11)},
	{"payment-failed", "/console/payments/" + id(7)},
	{"refunds", "/console/refunds"},
	{"flags", "/console/flags"},
	{"flags-settled", "/console/flags?settled=yes"},
	{"letters", "/console/letters"},
	{"letter", "/console/letters/92"},
	{"search-none", "/console/search?q=nothing"},
	{"nowhere", "/console/nowhere"},
}

func (v *tab) picture(name string) {
	v.t.Helper()
	png, err := chromedp.Run(v.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		v.t.Fatal(err)
	}
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pictures, name+".png"), png, 0o644); err != nil {
		v.t.Fatal(err)
	}
}

// sound fails if something went wrong in the tab that nobody would see in a picture.
func (v *tab) sound(where string) {
	v.t.Helper()
	if said := v.bad.String(); said != "" {
		v.t.Errorf("%s: %s", where, said)
	}
	if wide := v.ask(`document.documentElement.scrollWidth > innerWidth ? String(document.documentElement.scrollWidth) : ""`); wide != "" {
		v.t.Errorf("%s: the page is %s wide, more than the window", where, wide)
	}
	if caught := v.ask(`String(window.caught ?? "")`); caught != "" {
		v.t.Errorf("%s: a script of a stranger ran", where)
	}
	if odd := v.ask(unnamed); odd != "" {
		v.t.Errorf("%s: %s", where, odd)
	}
}

// unnamed finds what a screen reader could not name.
const unnamed = `(() => {
	const bad = [];
	for (const e of document.querySelectorAll("input:not([type=hidden]), select"))
		if (!e.labels?.length && !e.ariaLabel) bad.push("no label: " + e.name);
	for (const e of document.querySelectorAll("button, a[href]"))
		if (!e.textContent.trim() && !e.ariaLabel) bad.push("no words: " + e.outerHTML.slice(0, 80));
	for (const e of document.querySelectorAll("table"))
		if (!e.querySelector("thead th[scope=col]")) bad.push("a table without headers");
	if (document.querySelectorAll("h1").length !== 1) bad.push("not one h1");
	for (const e of document.querySelectorAll("[style]")) bad.push("a style attribute");
	return bad.join("; ");
})()`

func realTime(cfg *console.Config) { cfg.Now, cfg.Pace = time.Now, 100*time.Millisecond }

func (v *tab) signIn(name string) {
	v.t.Helper()
	v.open("/console/sign-in")
	v.do(
		chromedp.SendKeys(chromedp.CSS("input[name=name]"), name), chromedp.SendKeys(chromedp.CSS("input[name=password]"), password),
		chromedp.Click(chromedp.CSS(".signin button")), chromedp.WaitReady(chromedp.CSS("body.page-overview")),
	)
}

func TestBrowser(t *testing.T) {
	browser := chromium(t)
	for _, l := range looks {
		t.Run("walk "+l.name, func(t *testing.T) {
			t.Parallel()
			d := openAt(t, filled)
			v := newTab(t, browser, d)
			v.become(l)
			v.open("/console/sign-in")
			v.picture(l.name + "-signin")
			v.signIn("alice")
			for _, p := range walk {
				v.open(p.path)
				v.sound(p.path)
				v.picture(l.name + "-" + p.name)
			}
		})
	}
}

// openAt is a console in real time: browsers have no other.
func openAt(t *testing.T, fill func(func() time.Time) *books) *desk {
	t.Helper()
	return open(t, func(func() time.Time) *books { return fill(time.Now) }, realTime)
}

var _ = url.Values{}
var _ = strings.TrimSpace
