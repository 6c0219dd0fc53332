package store_test

import (
	"bufio"
	"errors"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lib/pq"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// catalog describes everything in a schema: columns, constraints, indexes, triggers,
// functions, settings and the rows that the schema itself holds.
const catalog = `
	select 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
		|| case when a.attnotnull then ' not null' else '' end
		|| coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') || ' ' || a.attidentity::text
	from pg_attribute a join pg_class c on c.oid = a.attrelid
	left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
	where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
	union all select 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
	where connamespace = current_schema()::regnamespace
	union all select 'index ' || replace(indexdef, current_schema() || '.', '') from pg_indexes where schemaname = current_schema()
	union all select 'trigger ' || replace(pg_get_triggerdef(t.oid), current_schema() || '.', '') from pg_trigger t
	join pg_class c on c.oid = t.tgrelid where c.relnamespace = current_schema()::regnamespace and not t.tgisinternal
	union all select 'function ' || proname || ' ' || prosrc from pg_proc where pronamespace = current_schema()::regnamespace
	union all select 'options ' || relname || ' ' || coalesce(reloptions::text, '') from pg_class
	where relnamespace = current_schema()::regnamespace and relkind = 'r'
	union all select 'turn ' || name from turns
	order by 1`

func described(t *testing.T, address string) []string {
	t.Helper()
	rows, err := storetest.DB(t, address).QueryContext(t.Context(), catalog)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestTheMigrationsLeadToTheSchema(t *testing.T) {
	t.Parallel()
	whole, migrated := storetest.URL(t), storetest.URL(t)
	if _, err := storetest.DB(t, whole).ExecContext(t.Context(), settled.Schema); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Open(t, migrated).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(described(t, whole), described(t, migrated)); diff != "" {
		t.Errorf("schema.sql and the migrations differ (-schema.sql +migrations):\n%s", diff)
	}
}

func TestMigrateRunsTwiceAndFromManyMachines(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	var mu sync.Mutex
	taken := 0
	var machines sync.WaitGroup
	for range 6 {
		s := storetest.Open(t, address)
		machines.Go(func() {
			names, err := s.Migrate(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(names) > 0 {
				taken++
			}
		})
	}
	machines.Wait()
	if taken != 1 {
		t.Errorf("%d machines migrated", taken)
	}
}

// The tables in move.go and refund.go, the lists in schema.sql and the drawings in
// docs/states.md are one.
func TestTheThreeMirrorsOfTheStateMachines(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	if _, err := storetest.Open(t, address).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	payments, refunds := map[edge]bool{}, map[edge]bool{}
	for _, e := range settled.Edges {
		payments[edge{string(e.From), string(e.Fact), string(e.To)}] = true
	}
	for _, e := range settled.RefundEdges {
		refunds[edge{string(e.From), string(e.Fact), string(e.To)}] = true
	}
	for _, machine := range []struct {
		function, heading string
		want              map[edge]bool
	}{
		{"payment_may_move", "# The states of a payment", payments},
		{"refund_may_move", "# The states of a refund", refunds},
	} {
		if diff := cmp.Diff(machine.want, edgesOfDatabase(t, address, machine.function)); diff != "" {
			t.Errorf("the moves in Go and %s differ (-Go +schema):\n%s", machine.function, diff)
		}
		if diff := cmp.Diff(machine.want, edgesOfDrawing(t, machine.heading)); diff != "" {
			t.Errorf("the moves in Go and docs/states.md differ under %q (-Go +docs):\n%s", machine.heading, diff)
		}
	}
}

// edge is a move of either state machine.
type edge struct{ From, Fact, To string }

// edgesOfDatabase asks the database about every move that the words of its list can be put
// together to.
func edgesOfDatabase(t *testing.T, address, function string) map[edge]bool {
	t.Helper()
	rows, err := storetest.DB(t, address).QueryContext(t.Context(), `
		with words(word) as (
			select distinct word from pg_proc, regexp_split_to_table(prosrc, '[^a-z]+') word where proname = $1 and word <> ''
		)
		select f.word, w.word, t.word from words f, words w, words t where `+function+`(f.word, w.word, t.word)`, function)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	edges := map[edge]bool{}
	for rows.Next() {
		var e edge
		if err := rows.Scan(&e.From, &e.Fact, &e.To); err != nil {
			t.Fatal(err)
		}
		edges[e] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return edges
}

func edgesOfDrawing(t *testing.T, heading string) map[edge]bool {
	t.Helper()
	file, err := os.Open("../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	arrow := regexp.MustCompile(`^\s*(\w+) --> (\w+): (\w+)$`)
	edges := map[edge]bool{}
	under := ""
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "# ") {
			under = lines.Text()
		}
		if m := arrow.FindStringSubmatch(lines.Text()); m != nil && under == heading {
			edges[edge{m[1], m[3], m[2]}] = true
		}
	}
	return edges
}

// Whoever asks, with whatever SQL: the database refuses what can never be true.
func TestTheDatabaseRefusesWhatCanNotBe(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	s := storetest.Open(t, address)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := map[settled.Status]settled.Payment{
		settled.StatusRequested: record(t, s, request("requested")),
		settled.StatusPrepared:  arrive(t, s, "prepared", settled.FactPrepared),
		settled.StatusCompleted: arrive(t, s, "completed", settled.FactPaid),
		settled.StatusClosed:    arrive(t, s, "closed0", settled.FactClosed),
		settled.StatusFailed:    arrive(t, s, "failed0", settled.FactRefused),
	}
	db := storetest.DB(t, address)
	refused := func(name, constraint, statement string, arguments ...any) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), statement, arguments...)
		var pqErr *pq.Error
		if !errors.As(err, &pqErr) || pqErr.Constraint != constraint {
			t.Errorf("%s: %v, want a violation of %s", name, err, constraint)
		}
	}
	legal := map[[2]settled.Status]bool{}
	for _, edge := range settled.Edges {
		legal[[2]settled.Status{edge.From, edge.To}] = true
	}
	for _, from := range settled.Statuses {
		for _, to := range settled.Statuses {
			if from != to && !legal[[2]settled.Status{from, to}] {
				refused("move from "+string(from)+" to "+string(to), "payment_legal_move",
					`update payments set status = $2 where id = $1`, at[from].ID, string(to))
			}
		}
	}
	completed, prepared := at[settled.StatusCompleted].ID, at[settled.StatusPrepared].ID
	refused("another amount", "payment_identity", `update payments set amount_total = 1 where id = $1`, completed)
	refused("another order", "payment_identity", `update payments set order_id = 'x' where id = $1`, completed)
	refused("another transaction", "payment_paid_once", `update payments set transaction_id = 'x' where id = $1`, completed)
	refused("completed without a time", "payment_paid", `update payments set paid_at = null where id = $1`, completed)
	refused("late and open", "payment_late", `update payments set late = true where id = $1`, prepared)
	refused("open and never looked at", "payment_watched", `update payments set due_at = null where id = $1`, prepared)
	refused("an unknown state", "payment_legal_move", `update payments set status = 'lost' where id = $1`, prepared)
	refused("a history that is no move", "event_legal", `
		insert into events (id, payment_id, version, type, merchant, order_id, fact, from_status, to_status, at, data)
		values (gen_random_uuid(), $1, 99, 'x', 'm', 'o', 'paid', 'completed', 'completed', now(), '{}')`, completed)
	refused("a version twice", "events_payment_id_version_key", `
		insert into events (id, payment_id, version, type, merchant, order_id, at, data)
		values (gen_random_uuid(), $1, 1, 'x', 'm', 'o', now(), '{}')`, completed)
}

func arrive(t *testing.T, s *store.Store, orderID string, facts ...settled.Fact) settled.Payment {
	t.Helper()
	p := record(t, s, request(orderID))
	stands := p
	for _, fact := range facts {
		m := moveOf(stands, fact)
		if moved, err := s.Move(t.Context(), m); err != nil || !moved {
			t.Fatalf("Move(%s) = %v, %v", fact, moved, err)
		}
		stands.Status = m.To
	}
	return p
}

func TestAPaymentBeginsAsRequested(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	if _, err := storetest.Open(t, address).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := storetest.DB(t, address).ExecContext(t.Context(), `
		insert into payments (id, merchant, order_id, status, trade_type, amount_total, currency, description, client_ip,
			payer_openid, attach, metadata, expires_at, fingerprint, prepay_request, due_at)
		values (gen_random_uuid(), 'm', 'o', 'failed', 'APP', 1, 'CNY', 'd', '', '', '', '{}', now(), 'f', 'r', now())`)
	if err == nil || !strings.Contains(err.Error(), "begins as failed") {
		t.Errorf("error %v", err)
	}
}
