# "make" alone lists what there is. Each target does its own set-up.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# sudo does not look where Go is usually installed.
export PATH := $(PATH):/usr/local/go/bin

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# Linters have a go.mod of their own, so that what they stand on stays out of ours.
TOOL := go tool -modfile=tools/go.mod
# A checkout may belong to someone else than who runs make, in a container or with sudo.
GIT := git -c safe.directory=$(CURDIR)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## run the demo: everything on this machine, nothing to configure
	@scripts/setup
	@go run ./cmd/settled demo

# Tests mostly wait for servers: more of them at once than there are cores. With the race
# detector they work harder.
TESTS := go test -json -parallel 3
RACES := go test -json -parallel 2 -race

.PHONY: test
test: ## run the whole test suite
	@scripts/setup
	@$(TESTS) ./... | go run ./scripts/testcount

.PHONY: browser
browser: ## test the console in a real browser, and draw its pages into bin/console
	@scripts/setup-browser
	go test -count 1 -tags browser -parallel 3 -run TestBrowser ./console

# The tests of crash work with processes that are built without the detector.
.PHONY: race
race: ## run all tests that are of one process with the race detector (needs a C compiler)
	@scripts/setup
	@$(RACES) $$(go list ./... | grep -v /crash) | go run ./scripts/testcount

.PHONY: examples
examples: ## let the examples, in Go and in Node, work beside a demo, and count their parcels
	@scripts/setup node
	@go run ./examples/trial

# FAULT is the name of one fault, or all.
# CELL is a pattern of cells, such as ack.prepare.done.before/worker/kill or */*/hang. The
# page is written only when all of them are run.
CELL ?=
FAULT ?=
AT_ONCE ?= 8
.PHONY: crash
crash: ## die at every point and let everything fail while customers pay, and count (CELL=pattern or FAULT=name for some)
	@scripts/setup
	@go run ./crash/matrix -cell '$(CELL)' -fault '$(FAULT)' -at-once $(AT_ONCE) -revision '$(VERSION)' $(if $(CELL)$(FAULT),,-doc docs/crash-matrix.md) $(if $(CELL)$(filter-out all,$(FAULT)),,-faults-doc docs/faults.md)

# ONLY names parts, with commas between them: limits, finalize or finalize_v3, intake,
# acknowledge, life, lone, growth. The page is written only when all of them are run. SIZE is
# how many operations a run has, ROWS are the numbers of finished payments that growth stands
# beside, BACKLOG is how many notifies wait behind those that it counts.
ROUNDS ?= 5
SIZE ?= 20000
ROWS ?= 0,1000000,10000000
BACKLOG ?= 1000000
PAGE := docs/performance-tables
# The page is written only for the full size.
MESSAGES ?= 1000000
.PHONY: overload
overload: ## work off a backlog of MESSAGES while the ingress is flooded, and measure (default a million: half an hour and more)
	@scripts/setup
	@go run ./crash/overload -messages $(MESSAGES) -in-flight 512 -revision '$(VERSION)' $(if $(filter 1000000,$(MESSAGES)),-doc docs/overload.md)

.PHONY: bench
bench: ## measure settled and its peers side by side on real servers (ONLY=part,… ROUNDS=5 SIZE=20000 ROWS=0,1000000,10000000 BACKLOG=1000000)
	@scripts/setup
	@mkdir -p bin
	@go -C bench run . -only '$(ONLY)' -rounds $(ROUNDS) -size $(SIZE) -rows '$(ROWS)' -backlog $(BACKLOG) -revision '$(VERSION)' $(if $(ONLY),-json ../bin/bench.json,-page ../$(PAGE).md -json ../$(PAGE).json)

.PHONY: microbench
microbench: ## run the benchmarks that stand beside the tests
	@scripts/setup
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: smokebench
smokebench: ## let everybody whom make bench measures do a little of it, and do it rightly
	@scripts/setup
	go -C bench test ./...

.PHONY: mutants
mutants: ## plant bugs, ONLY=word for some, and see that the tests find each
	@scripts/setup
	go run ./scripts/mutants $(if $(ONLY),-only $(ONLY))

.PHONY: fuzz
fuzz: ## fuzz every parser that faces the network, FUZZTIME each (default 1m)
	scripts/fuzz

.PHONY: build
build: ## build bin/settled
	go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/settled ./cmd/settled

.PHONY: fmt
fmt: ## format all Go files
	$(TOOL) golangci-lint fmt
	cd bench && go tool -modfile=../tools/go.mod golangci-lint fmt

.PHONY: vet
vet: ## run go vet
	go vet ./...
	go -C bench vet ./...

.PHONY: lint
lint: ## run the linters of .golangci.yml
	$(TOOL) golangci-lint run
	cd bench && go tool -modfile=../tools/go.mod golangci-lint run

.PHONY: generate
generate: ## write anew whatever is generated
	go generate ./...

.PHONY: contracts
contracts: contracts/node_modules/.package-lock.json ## check the contracts with the tools of other languages, and what has changed since the tagged one
	@node contracts/validate.mjs
	@go run ./contracts/changes
	@go test ./contracts/...

# npm reads the registry that it is configured for; the lock file names none.
contracts/node_modules/.package-lock.json: contracts/package-lock.json
	@scripts/setup node
	@npm --prefix contracts ci --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

.PHONY: live
live: ## hold what a run publishes, answers and exports against the contracts, the dashboard and the alerts
	@scripts/setup
	@go test ./cmd/settled -run '^(TestEverythingThatIsSaidKeepsToTheContract|TestWhatIsWatchedIsExported|TestEveryAlertHasItsEntry|TestEveryMetricIsExplained)$$'

.PHONY: verify
verify: generate contracts alerts live ## check that what is generated, the contracts, the alerts, a run, go.mod and the formatting are as they should be
	$(GIT) diff --exit-code
	go mod tidy -diff
	go -C bench mod tidy -diff
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted"; exit 1; }

.PHONY: alerts
alerts: ## check and test the rules for Prometheus, and the queries of the dashboard
	@scripts/promtool check config deploy/prometheus/prometheus.yaml
	@scripts/promtool test rules deploy/prometheus/alerts_test.yaml
	@mkdir -p bin && go run ./scripts/panels <deploy/grafana/settled.json >bin/panels.yaml && scripts/promtool check rules bin/panels.yaml

.PHONY: vulncheck
vulncheck: ## look for known vulnerabilities, in a database that comes as a Go module
	@scripts/vulncheck

.PHONY: clean
clean: ## remove what was built
	rm -rf bin coverage.out
