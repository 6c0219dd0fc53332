package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"settled/store/storetest"
)

// put puts one text of the configuration in the place of another.
func (w *world) put(old, now string) {
	w.t.Helper()
	text, err := os.ReadFile(w.file)
	if err != nil {
		w.t.Fatal(err)
	}
	if strings.Count(string(text), old) != 1 {
		w.t.Fatalf("%q does not stand in the configuration exactly once", old)
	}
	if err := os.WriteFile(w.file, []byte(strings.Replace(string(text), old, now, 1)), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// A database that is empty, or of an earlier version, is what a first start and an upgrade
// find.
func TestCheckSaysHowOldTheSchemaIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	alone(t, w)
	db := storetest.DB(t, w.postgres)
	for _, row := range []struct {
		name string
		make func() error
		says string
	}{
		{"none", func() error { return nil }, "right  postgres, without a schema yet: settled migrate or settled serve makes it\n"},
		{"the newest", func() error { settledRuns(t.Context(), "migrate", "--config", w.file); return nil }, "right  postgres\n"},
		{"an older one", func() error {
			_, err := db.ExecContext(t.Context(), `delete from migrations where version = (select max(version) from migrations)`)
			return err
		}, "settled migrate or settled serve brings it up to date\n"},
	} {
		if err := row.make(); err != nil {
			t.Fatal(err)
		}
		if got := settledRuns(t.Context(), "check", "--config", w.file); got.code != exitDone || !strings.Contains(got.out, row.says) {
			t.Errorf("%s: exit %d, want it to say %q\n%s%s", row.name, got.code, row.says, got.out, got.err)
		}
	}
}

func TestCheckFindsReplicasThatNoServerIsThereFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	alone(t, w)
	w.put(`prefix: ""`, `replicas: 3`)
	got := settledRuns(t.Context(), "check", "--config", w.file)
	if got.code != exitFailed || !strings.Contains(got.out, "wrong  nats: replicas is 3, and the server is not part of a cluster\n") {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
	}
}

// Nothing is lost while the backup answers, and somebody should know.
func TestCheckSaysWhenTheBackupAnsweredAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	alone(t, w)
	w.put("endpoint: "+w.wechatURL+"\n    backup_endpoint: "+w.backupURL+"\n    app_id: "+w.shop3.AppID,
		"endpoint: http://127.0.0.1:1\n    backup_endpoint: "+w.backupURL+"\n    app_id: "+w.shop3.AppID)
	got := settledRuns(t.Context(), "check", "--config", w.file)
	right, _ := verdicts(got.out)
	if got.code != exitDone || !slices.Contains(right, "merchant shop3, of whose hosts only the backup answered") || !slices.Contains(right, "merchant shop2") {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
	}
}

// What can't even be opened takes none of the other lines away.
func TestCheckGoesOnWithoutWhatItCanNotOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	alone(t, w)
	w.put(w.redisURL, w.redisURL+"?nonsense=1")
	got := settledRuns(t.Context(), "check", "--config", w.file)
	right, wrong := verdicts(got.out)
	if got.code != exitFailed || !slices.Contains(right, "nats") || !slices.Contains(right, "merchant shop3 private_key, 2048 bits") || len(wrong) != 4 {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
	}
	for i, what := range []string{"redis: read the redis url", "merchant classic: not tried", "merchant shop2: not tried", "merchant shop3: not tried"} {
		if i < len(wrong) && !strings.HasPrefix(wrong[i], what) {
			t.Errorf("wrong is %q, want %s", wrong[i], what)
		}
	}
}
