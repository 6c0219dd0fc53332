package store_test

import (
	"testing"
	"time"

	"settled/store"
	"settled/store/storetest"
)

// Another machine may take longer over a step than a connection may usually be silent.
func TestAMigrationWaitsForAnotherMachine(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	const silence = 300 * time.Millisecond
	s, err := store.Open(store.Config{URL: address, Silence: silence})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	other, err := storetest.DB(t, address).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), `select pg_advisory_xact_lock(hashtext('settled migrations ' || current_schema()))`); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() {
		_, err := s.Migrate(t.Context())
		migrated <- err
	}()
	select {
	case err := <-migrated:
		t.Fatalf("Migrate gives up: %v", err)
	case <-time.After(4 * silence):
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Error(err)
	}
}
