//go:build browser

package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	"github.com/chromedp/chromedp/kb"

	"settled"
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
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
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

// walk is every page that there is. Those that are drawn everywhere differ most from look
// to look; the others are drawn in the first.
var walk = []struct {
	name, path string
	everywhere bool
}{
	{"overview", "/console/", true},
	{"payments", "/console/payments?status=closed", true},
	{"payments-none", "/console/payments?merchant=nobody", false},
	{"payment-hangs", "/console/payments/" + id(10), true},
	{"payment-flagged", "/console/payments/" + id(3), true},
	{"payment-completed", "/console/payments/" + id(11), false},
	{"payment-failed", "/console/payments/" + id(7), false},
	{"refunds", "/console/refunds", false},
	{"flags", "/console/flags", true},
	{"flags-settled", "/console/flags?settled=yes", false},
	{"letters", "/console/letters", false},
	{"letter", "/console/letters/92", false},
	{"search-none", "/console/search?q=nothing", false},
	{"nowhere", "/console/nowhere", false},
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

// TestBrowser shares one browser among all that is done with it.
func TestBrowser(t *testing.T) {
	browser := chromium(t)
	for _, l := range looks {
		first := l == looks[0]
		t.Run("walk "+l.name, func(t *testing.T) {
			t.Parallel()
			v := newTab(t, browser, openAt(t, filled))
			v.become(l)
			v.open("/console/sign-in")
			v.picture(l.name + "-signin")
			v.signIn("alice")
			for _, p := range walk {
				v.open(p.path)
				v.sound(p.path)
				if first || p.everywhere {
					v.picture(l.name + "-" + p.name)
				}
			}
		})
	}
	for name, test := range map[string]func(*testing.T, context.Context){
		"strangers' texts run nothing": strangersRunNothing,
		"an operator acts":             operatorActs,
		"a viewer finds no act":        viewerFindsNoAct,
		"another site's form":          anotherSitesForm,
		"two operators at once":        twoAtOnce,
		"the overview is live":         overviewIsLive,
		"keyboard alone":               keyboardAlone,
		"without operators":            withoutOperators,
		"dependencies away":            dependenciesAway,
		"without script":               withoutScript,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, browser)
		})
	}
}

// openAt is a console in real time: browsers have no other.
func openAt(t *testing.T, fill func(func() time.Time) *books, change ...func(*console.Config)) *desk {
	t.Helper()
	return open(t, func(func() time.Time) *books { return fill(time.Now) }, func(cfg *console.Config) {
		realTime(cfg)
		for _, c := range change {
			c(cfg)
		}
	})
}

var desktop, phone = looks[0], looks[3]

func strangersRunNothing(t *testing.T, browser context.Context) {
	v := newTab(t, browser, openAt(t, nasty))
	v.become(phone)
	v.signIn("alice")
	for _, p := range walk {
		v.open(p.path)
		v.do(chromedp.Poll[chromedp.Void]("document.readyState === 'complete'"))
		v.sound("nasty " + p.path)
	}
	// Open whatever is folded, and point at whatever can be pointed at.
	v.open("/console/payments/" + id(3))
	v.picture("nasty")
	v.ask(`(() => {
		for (const e of document.querySelectorAll("details")) e.open = true;
		for (const e of document.querySelectorAll("*"))
			for (const kind of ["mouseover", "focus", "error", "load", "animationstart"]) e.dispatchEvent(new Event(kind));
		return "";
	})()`)
	v.sound("nasty, unfolded")
}

// press clicks, and waits for the page that it leads to.
func (v *tab) press(selector, then string) {
	v.t.Helper()
	v.do(chromedp.Click(chromedp.CSS(selector)), chromedp.WaitVisible(chromedp.CSS(then)))
}

func (v *tab) says(what string) {
	v.t.Helper()
	if text := v.ask("document.body.innerText"); !strings.Contains(text, what) {
		v.t.Errorf("the page does not say %q: %.600s", what, text)
	}
}

func operatorActs(t *testing.T, browser context.Context) {
	d := openAt(t, filled)
	v := newTab(t, browser, d)
	v.become(desktop)
	v.signIn("alice")
	v.open("/console/payments/" + id(3))
	v.press("form[action$='/query'] button", "[data-told='told.query']")
	v.picture("acts-query")
	v.press("form[action$='/query'] button", "[data-told='told.nothing']")
	v.do(chromedp.Click(chromedp.CSS(".sure summary")), chromedp.WaitVisible(chromedp.CSS(".sure button")))
	v.picture("acts-close")
	v.press(".sure button", "[data-told='told.close']")
	v.do(chromedp.SendKeys(chromedp.CSS(".flag input[name=comment]"), "called the customer"))
	v.press(".flag button", "[data-told='told.settle']")
	v.press("a[href^='/console/letters/92']", ".reason-text")
	v.do(chromedp.SendKeys(chromedp.CSS("#comment"), "mended"))
	v.press("form[action$='/replay'] button", "[data-told='told.replay']")
	v.picture("acts-done")
	v.sound("acts")
	d.books.set(func(b *books) {
		if len(b.acts) != 3 || len(b.replayed) != 1 {
			t.Errorf("done: %+v, %v", b.acts, b.replayed)
		}
	})
	v.press("form[action$='/sign-out'] button", ".signin")
	v.open("/console/payments")
	v.says("Password")
}

func viewerFindsNoAct(t *testing.T, browser context.Context) {
	d := openAt(t, filled)
	v := newTab(t, browser, d)
	v.become(desktop)
	v.signIn("bob")
	for _, p := range walk {
		v.open(p.path)
		if form := v.ask(`document.querySelector("main form[method=post]")?.action ?? ""`); form != "" {
			t.Errorf("%s has a form to %s", p.path, form)
		}
	}
	v.open("/console/payments/" + id(3))
	v.picture("viewer")
	// A viewer who writes the form by hand, with a token of their own.
	v.ask(`(() => {
		const form = document.createElement("form");
		form.method = "post"; form.action = "/console/payments/` + id(3) + `/query";
		form.append(document.querySelector("[name=token]").cloneNode());
		document.body.append(form);
		form.submit();
		return "";
	})()`)
	v.do(chromedp.WaitReady(chromedp.CSS("body.page-problem")))
	v.says("Your role may look, and not act")
	d.books.set(func(b *books) {
		if len(b.acts) > 0 {
			t.Errorf("a viewer has done %+v", b.acts)
		}
	})
}

// anotherSitesForm: the operator is signed in, and a page of another origin posts what they
// could.
func anotherSitesForm(t *testing.T, browser context.Context) {
	d := openAt(t, filled)
	v := newTab(t, browser, d)
	v.become(desktop)
	v.signIn("alice")
	token := v.ask(`document.querySelector("[name=token]").value`)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<body><form method=post action="%s/console/payments/%s/query"><input name=token value="%s"></form>
			<iframe src="%[1]s/console/"></iframe><script>document.forms[0].submit()</script>`, d.server.URL, id(3), token)
	}))
	t.Cleanup(evil.Close)
	// Both are sites of this machine; by another name they are two, as they would be on the net.
	v.do(chromedp.Navigate(strings.Replace(evil.URL, "127.0.0.1", "localhost", 1)))
	v.do(chromedp.WaitVisible(chromedp.CSS("pre")))
	if text := v.ask("document.body.innerText"); strings.Contains(text, "WeChat is asked now") {
		t.Errorf("it was done: %s", text)
	}
	d.books.set(func(b *books) {
		if len(b.acts) > 0 {
			t.Errorf("another site has done %+v", b.acts)
		}
	})
}

func twoAtOnce(t *testing.T, browser context.Context) {
	d := openAt(t, filled)
	one, other := newTab(t, browser, d), newTab(t, browser, d)
	for _, v := range []*tab{one, other} {
		v.become(desktop)
		v.signIn("alice")
		v.open("/console/payments/" + id(10))
	}
	one.press("form[action$='/query'] button", "[data-told='told.query']")
	other.press("form[action$='/query'] button", "[data-told='told.nothing']")
	other.says("somebody else has just done it")
}

func overviewIsLive(t *testing.T, browser context.Context) {
	d := openAt(t, filled)
	v := newTab(t, browser, d)
	v.become(desktop)
	v.signIn("bob")
	v.do(chromedp.WaitVisible(chromedp.CSS("[data-live-mark]")))
	d.books.set(func(b *books) { b.overview.Open = map[settled.Status]int{settled.StatusPrepared: 4321} })
	v.do(chromedp.Poll[chromedp.Void]("document.body.innerText.includes('4,321')"))
	v.sound("live")
	d.console.Stop()
	v.do(chromedp.WaitVisible(chromedp.CSS("[data-live-off]")))
}

// keyboardAlone signs in, skips to the content, searches and acts without a mouse.
func keyboardAlone(t *testing.T, browser context.Context) {
	d := openAt(t, filled)
	v := newTab(t, browser, d)
	v.become(desktop)
	v.open("/console/sign-in")
	v.do(chromedp.KeyEvent("alice"+kb.Tab+password+kb.Enter), chromedp.WaitReady(chromedp.CSS("body.page-overview")))
	v.do(chromedp.KeyEvent(kb.Tab))
	if on := v.ask("document.activeElement.className"); on != "skip" {
		t.Errorf("the first stop is %q", on)
	}
	if ring := v.ask("getComputedStyle(document.activeElement).outlineStyle"); ring != "solid" {
		t.Errorf("the focus is shown by an outline %q", ring)
	}
	v.do(chromedp.KeyEvent(kb.Enter), chromedp.Poll[chromedp.Void]("document.activeElement.id === 'main'"))
	v.do(chromedp.KeyEvent("/"), chromedp.Poll[chromedp.Void]("document.activeElement.id === 'q'"))
	v.ask("document.activeElement.value = ''") // a key that is pressed by a test is typed all the same
	v.do(chromedp.KeyEvent("20261128-003990"+kb.Enter), chromedp.WaitReady(chromedp.CSS("body.page-payment")))
	reached := ""
	for range 40 {
		v.do(chromedp.KeyEvent(kb.Tab))
		if reached = v.ask("document.activeElement.innerText"); reached == "Ask WeChat now" {
			break
		}
	}
	if reached != "Ask WeChat now" {
		t.Fatalf("the act is not reached, at last there is %q", reached)
	}
	v.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS("[data-told='told.query']")))
}

func withoutOperators(t *testing.T, browser context.Context) {
	v := newTab(t, browser, openAt(t, filled, nobody))
	v.become(desktop)
	v.open("/console/payments/" + id(3))
	v.says("no operators are configured")
	v.sound("without operators")
	v.picture("unguarded")
}

func dependenciesAway(t *testing.T, browser context.Context) {
	d := openAt(t, filled)
	v := newTab(t, browser, d)
	v.become(desktop)
	v.signIn("alice")
	v.do(chromedp.WaitVisible(chromedp.CSS(".tiles")))
	d.books.set(func(b *books) { b.failing = []string{"postgres", "nats"} })
	v.do(chromedp.WaitVisible(chromedp.CSS(".dependency.down")))
	v.says("The database can't be read. What stands here is of")
	v.says("1,284")
	v.picture("away-overview")
	v.open("/console/payments")
	v.says("PostgreSQL does not answer")
	v.picture("away-payments")
	v.sound("away")
}

func withoutScript(t *testing.T, browser context.Context) {
	v := newTab(t, browser, openAt(t, filled))
	v.become(desktop)
	order(v, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	v.signIn("alice")
	v.do(chromedp.Navigate(v.desk.server.URL+"/console/payments/"+id(10)), chromedp.WaitReady(chromedp.CSS("main")))
	v.do(chromedp.Click(chromedp.CSS("form[action$='/query'] button")), chromedp.WaitVisible(chromedp.CSS("[data-told='told.query']")))
	v.picture("without-script")
}
