package workers_test

import (
	"os"
	"testing"

	"settled/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
