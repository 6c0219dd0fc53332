package hints

import (
	"context"
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// Every step that processes take together is one script: Redis runs it as a whole or not
// at all.
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

// run calls a script.
func (h *Hints) run(ctx context.Context, script *redis.Script, keys []string, arguments ...any) *redis.Cmd {
	answer := script.Run(ctx, h.client, keys, arguments...)
	_ = h.heard(ctx, answer.Err())
	return answer
}
