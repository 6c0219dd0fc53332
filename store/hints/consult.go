package hints

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// question is what a process asks, and what it tells at the same time. See consult.lua.
type question struct {
	urgent bool  // there is no token at all
	beyond int64 // only a token of a higher version is of use
	fetch  bool  // this process would fetch one
	owner  string

	mine    token // what Redis may have lost; zero if there is none
	left    time.Duration
	refused int64
	tally   tally
}

// verdict is what is to be done.
type verdict string

const (
	useToken   verdict = "token"  // here it is
	noToken    verdict = "none"   // there is none, and you did not want to fetch one
	leased     verdict = "leased" // somebody is fetching one
	paused     verdict = "paused" // somebody has fetched a moment ago, for nothing
	overQuota  verdict = "quota"  // nobody may fetch any more today
	fetchToken verdict = "fetch"  // it is counted, and your turn
)

// answer is what all the processes together know.
type answer struct {
	verdict verdict
	token   string
	version int64 // of the newest token, even if it is of no use
	life    time.Duration
	left    time.Duration
	refused int64
	day     int64
	count   int
	wait    time.Duration // until the lease, the pause or the day ends
	streak  int
}

// consult asks Redis.
func (t *Tokens) consult(ctx context.Context, q question) (answer, error) {
	mayFetch := 0
	if q.fetch {
		mayFetch = 1
	}
	lease := t.cfg.FetchTimeout + 2*time.Second // the fetch, and the way back to Redis
	words, err := t.hints.run(ctx, t.hints.scripts.consult, t.keys,
		q.mine.value, q.mine.version, q.mine.life.Milliseconds(), q.left.Milliseconds(),
		q.beyond, q.refused, mayFetch, q.owner, lease.Milliseconds(),
		t.cfg.DailyQuota, q.tally.day, q.tally.seen, q.tally.uncounted,
	).Slice()
	if err != nil {
		return answer{}, fmt.Errorf("consult redis: %w", err)
	}
	return readAnswer(words), nil
}

func readAnswer(words []any) answer {
	milliseconds := func(i int) time.Duration { return time.Duration(number(words[i])) * time.Millisecond }
	return answer{
		verdict: verdict(fmt.Sprint(words[0])), token: fmt.Sprint(words[1]),
		version: number(words[2]), life: milliseconds(3), left: milliseconds(4),
		refused: number(words[5]), day: number(words[6]), count: int(number(words[7])),
		wait: milliseconds(8), streak: int(number(words[9])),
	}
}

// number reads an integer of a script's answer.
func number(word any) int64 {
	n, _ := strconv.ParseInt(fmt.Sprint(word), 10, 64)
	return n
}
