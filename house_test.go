package settled_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room is a package of the house: whose doors it may open, and what it may take from
// outside besides the standard library.
type room struct {
	doors   []string // rooms
	modules []string // modules of others
}

// house is the floor plan, from the ground up. A room that is missing here, a door that
// is not listed, a module that is not listed, fails the test.
var house = map[string]room{
	// Ground floor: each stands by itself.
	".":                  {modules: []string{uuid}},
	"batch":              {},
	"events":             {},
	"store/hints":        {modules: []string{redis}},
	"wechat/legacy":      {modules: []string{text}},
	"wechat/v2":          {},
	"wechat/bill":        {},
	"wechat/v3":          {},
	"cmd/settled/config": {modules: []string{yaml}},
	"scripts/mutants":    {},
	"failpoint":          {},
	"scripts/testcount":  {},
	"contracts":          {modules: []string{yaml}},
	"contracts/changes":  {doors: []string{"contracts"}},
	"scripts/panels":     {modules: []string{yaml}},
	"telemetry":          {modules: []string{otel, otlp, protobuf}},

	// First floor: one technology each.
	"events/bus": {doors: []string{"events", "batch", "failpoint"}, modules: []string{nats, orbit, uuid}},
	"store":      {doors: []string{".", "batch"}, modules: []string{uuid, sqlx, pq}},
	"wechat":     {doors: []string{".", "wechat/legacy", "wechat/v2", "wechat/v3", "wechat/bill"}},

	// First floor, for other programs: what a shop stands on. It knows the wire alone.
	"order":                   {doors: []string{"events"}, modules: []string{nats}},
	"subscribe":               {doors: []string{"events"}, modules: []string{nats}},
	"subscribe/subscribetest": {doors: []string{"events", "subscribe"}},

	// Second floor: what is done, in words that no technology has a part in.
	"workers":   {doors: []string{".", "events"}, modules: []string{uuid}},
	"ingress":   {doors: []string{".", "events"}, modules: []string{uuid, rate}},
	"audit":     {doors: []string{".", "events"}, modules: []string{uuid}},
	"console":   {doors: []string{"."}, modules: []string{rate}},
	"reconcile": {doors: []string{"."}},

	// The roof sees everything.
	"cmd/settled": {
		doors: []string{
			".", "batch", "events", "events/bus", "store", "store/hints", "wechat", "wechat/legacy", "wechat/v3",
			"workers", "ingress", "audit", "console", "reconcile", "cmd/settled/config", "embedded", "wechat/simulator", "failpoint", "telemetry",
		},
		modules: []string{uuid, nats, prometheus, rate, sync, term},
	},

	// Examples: what a reader copies, so they use nothing that a reader has not.
	"examples/shop":       {doors: []string{"events", "order"}, modules: []string{nats}},
	"examples/fulfilment": {doors: []string{"events", "subscribe"}, modules: []string{nats, pq}},
	"examples/trial":      {modules: []string{nats, pq}},

	// Aside: the world outside, for tests and for the demo.
	"embedded":               {modules: []string{miniredis, redis, natsServer, pq}},
	"contracts/contracttest": {doors: []string{"contracts"}, modules: []string{jsonschema}},
	"store/storetest":        {doors: []string{".", "store", "embedded"}, modules: []string{pq}},
	"wechat/simulator":       {modules: []string{text}},
	"crash": {
		doors:   []string{"embedded", "failpoint", "wechat/simulator"},
		modules: []string{nats, pq, toxiproxy, zerolog},
	},
	"crash/matrix":   {doors: []string{"crash"}},
	"crash/overload": {doors: []string{"crash", "failpoint"}, modules: []string{nats, pq}},
}

// The modules of others.
const (
	jsonschema = "github.com/santhosh-tekuri/jsonschema/v6"
	miniredis  = "github.com/alicebob/miniredis/v2"
	nats       = "github.com/nats-io/nats.go"
	natsServer = "github.com/nats-io/nats-server/v2"
	orbit      = "github.com/synadia-io/orbit.go/jetstreamext"
	otel       = "go.opentelemetry.io/otel"
	otlp       = "go.opentelemetry.io/proto/otlp"
	pq         = "github.com/lib/pq"
	prometheus = "github.com/prometheus/client_golang"
	protobuf   = "google.golang.org/protobuf"
	rate       = "golang.org/x/time"
	redis      = "github.com/redis/go-redis/v9"
	sqlx       = "github.com/jmoiron/sqlx"
	sync       = "golang.org/x/sync"
	term       = "golang.org/x/term"
	text       = "golang.org/x/text"
	toxiproxy  = "github.com/Shopify/toxiproxy/v2"
	uuid       = "github.com/google/uuid"
	yaml       = "go.yaml.in/yaml/v3"
	zerolog    = "github.com/rs/zerolog"
)

var (
	// testRooms are open to the tests of every room.
	testRooms = []string{"embedded", "store/storetest", "subscribe/subscribetest", "wechat/simulator", "contracts/contracttest"}
	// endToEnd are the rooms whose tests may open every door.
	endToEnd = []string{"workers", "ingress", "audit", "console", "cmd/settled", "contracts"}
	// testModules may be used by tests alone, besides whatever a room uses.
	testModules = []string{
		"github.com/google/go-cmp", "go.uber.org/goleak", "pgregory.net/rapid", "github.com/anishathalye/porcupine",
		"github.com/chromedp/chromedp", "github.com/chromedp/cdproto",
	}
)

// ofTests is what the tests of a room may use.
func (r room) ofTests(name string) room {
	all := room{doors: slices.Collect(maps.Keys(house)), modules: slices.Clone(testModules)}
	for _, other := range house {
		all.modules = append(all.modules, other.modules...)
	}
	if !slices.Contains(endToEnd, name) {
		all.doors = slices.Concat(r.doors, testRooms, []string{name})
	}
	return all
}

// admits reports whether the room may import a package.
func (r room) admits(imported string) bool {
	if ours, ok := strings.CutPrefix(imported+"/", "settled/"); ok {
		return slices.Contains(r.doors, path.Clean(ours))
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	return slices.ContainsFunc(r.modules, func(module string) bool {
		return strings.HasPrefix(imported+"/", module+"/")
	})
}

func TestHousePlan(t *testing.T) {
	t.Parallel()
	lived := map[string]bool{}
	for name, file := range goFiles(t) {
		at := path.Dir(name)
		r, planned := house[at]
		lived[at] = true
		if !planned {
			t.Errorf("%s: room %s is not in the plan", name, at)
			continue
		}
		if strings.HasSuffix(name, "_test.go") {
			r = r.ofTests(at)
		}
		for _, spec := range file.Imports {
			if imported, err := strconv.Unquote(spec.Path.Value); err != nil || !r.admits(imported) {
				t.Errorf("%s: room %s must not import %s", name, at, imported)
			}
		}
	}
	for name := range house {
		if !lived[name] {
			t.Errorf("room %s is in the plan, but nobody lives there", name)
		}
	}
}

func TestEveryRoomSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	opening := regexp.MustCompile(`^(Package|Command) [a-z0-9]+ .{20}`)
	says := map[string]bool{}
	for name, file := range goFiles(t) {
		if !strings.HasSuffix(name, "_test.go") {
			says[path.Dir(name)] = says[path.Dir(name)] || opening.MatchString(file.Doc.Text())
		}
	}
	for at, ok := range says {
		if !ok {
			t.Errorf("room %s has no package comment", at)
		}
	}
}

// goFiles parses every Go file of this module as far as its imports. It reads the files
// by itself, not through "go list": so go test knows that they matter, and never answers
// from its cache after one has changed.
func goFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	walk(t, func(name string) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	})
	return files
}

// walk visits every file of this module. A folder with a go.mod is a module of its own.
func walk(t *testing.T, visit func(name string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			visit(name)
			return err
		}
		if _, err := os.Stat(path.Join(name, "go.mod")); err == nil && name != "." {
			return fs.SkipDir
		}
		if base := path.Base(name); base == ".git" || base == "bin" || base == "node_modules" {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
