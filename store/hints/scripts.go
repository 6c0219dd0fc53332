package hints

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// Every step of the protocol between the processes is one script: Redis runs it as a
// whole or not at all.
var (
	//go:embed consult.lua
	consultLua string
	//go:embed store.lua
	storeLua string
	//go:embed fail.lua
	failLua string
)

// scripts are the steps, ready to be called by their digest.
type scripts struct{ consult, store, fail *redis.Script }

func newScripts() scripts {
	return scripts{
		consult: redis.NewScript(consultLua), store: redis.NewScript(storeLua), fail: redis.NewScript(failLua),
	}
}
