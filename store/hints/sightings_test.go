package hints_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/store/hints"
)

func TestSightingsOfAllProcessesAddUp(t *testing.T) {
	bubble(t, func(t *testing.T, _ *wechat, _ *bubbleRedis, f fleet) {
		one, other := f.start(t), f.start(t)
		for range 3 {
			one.hints.Sighted(merchant, "PUB_KEY_ID_1", "answer")
		}
		other.hints.Sighted(merchant, "PUB_KEY_ID_1", "answer")
		other.hints.Sighted(merchant, "7132D72A03E93CDDF8C03BBD1F37EEDF", "notify")
		other.hints.Sighted("another", "PUB_KEY_ID_1", "notify")
		pass(2 * time.Second)
		got, err := one.hints.Sightings(t.Context(), merchant)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{"PUB_KEY_ID_1 answer": 4, "7132D72A03E93CDDF8C03BBD1F37EEDF notify": 1}
		if diff := cmp.Diff(want, counted(got)); diff != "" {
			t.Error(diff)
		}
		for _, s := range got {
			if age := time.Since(s.Last); age < time.Second || age > 3*time.Second {
				t.Errorf("%s was last seen %s ago", s.Key, age)
			}
		}
	})
}

func counted(sightings []hints.Sighting) map[string]int64 {
	counts := map[string]int64{}
	for _, s := range sightings {
		counts[s.Key+" "+s.What] = s.Count
	}
	return counts
}

func TestSightingsOutliveAnOutageOfRedis(t *testing.T) {
	bubble(t, func(t *testing.T, _ *wechat, redis *bubbleRedis, f fleet) {
		p := f.start(t)
		redis.vanish()
		p.hints.Sighted(merchant, "PUB_KEY_ID_1", "answer")
		pass(5 * time.Second)
		if _, err := p.hints.Sightings(t.Context(), merchant); err == nil {
			t.Error("a Redis that is gone told of sightings")
		}
		redis.comeBack()
		p.hints.Sighted(merchant, "PUB_KEY_ID_1", "answer")
		pass(2 * time.Second)
		got, err := p.hints.Sightings(t.Context(), merchant)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int64{"PUB_KEY_ID_1 answer": 2}, counted(got)); diff != "" {
			t.Error(diff)
		}
	})
}
