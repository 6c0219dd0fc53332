package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/batch"
)

// A lone caller waits for nobody; whoever comes while it is served shares the next run.
func TestWhatWaitsTogetherRunsTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs []int
		group := batch.New(batch.Config[int, int]{Run: func(_ context.Context, items []int) ([]int, error) {
			runs = append(runs, len(items))
			time.Sleep(time.Second) // the bubble's time
			return items, nil
		}})
		var callers sync.WaitGroup
		do := func(item int) {
			callers.Go(func() {
				if got, err := group.Do(t.Context(), item); got != item || err != nil {
					t.Errorf("Do(%d) = %d, %v", item, got, err)
				}
			})
		}
		do(0)
		synctest.Wait()
		for item := range 5 {
			do(item + 1)
		}
		callers.Wait()
		if want := []int{1, 5}; !slices.Equal(runs, want) {
			t.Errorf("runs of %v, want %v", runs, want)
		}
	})
}

// A small run beside a large one costs more than it gains: who comes waits for the large one,
// unless as many wait, or it takes long.
func TestASecondRunBeginsWhenItIsWorthwhile(t *testing.T) {
	t.Parallel()
	const usual = 20 * time.Millisecond
	for name, test := range map[string]struct {
		takes time.Duration // the run of four
		come  int           // a millisecond after it began
		want  []string      // what began when
	}{
		"fewer wait for it":          {takes: usual, come: 3, want: []string{"1 after 0s", "1 after 0s", "4 after 20ms", "3 after 40ms"}},
		"as many do not":             {takes: usual, come: 4, want: []string{"1 after 0s", "1 after 0s", "4 after 20ms", "4 after 21ms"}},
		"nobody waits for long":      {takes: time.Second, come: 1, want: []string{"1 after 0s", "1 after 0s", "4 after 20ms", "1 after 47ms"}},
		"nor does it hold up others": {takes: time.Second, come: 3, want: []string{"1 after 0s", "1 after 0s", "4 after 20ms", "3 after 47ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var mu sync.Mutex
				var runs []string
				group := batch.New(batch.Config[int, int]{Runners: 2, Run: func(_ context.Context, items []int) ([]int, error) {
					mu.Lock()
					runs = append(runs, fmt.Sprintf("%d after %s", len(items), time.Since(began)))
					mu.Unlock()
					if len(items) == 4 {
						time.Sleep(test.takes)
					} else {
						time.Sleep(usual)
					}
					return items, nil
				}})
				var callers sync.WaitGroup
				come := func(n int) {
					for item := range n {
						callers.Go(func() { _, _ = group.Do(t.Context(), item) })
						synctest.Wait()
					}
				}
				come(6) // two begin, one beside the other, and four wait
				time.Sleep(usual + time.Millisecond)
				come(test.come)
				callers.Wait()
				if diff := cmp.Diff(test.want, runs); diff != "" {
					t.Errorf("runs (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestARunIsBoundedAndKeysAreApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs []string
		group := batch.New(batch.Config[string, string]{
			Most: 2,
			Key:  func(item string) string { return item[:1] },
			Run: func(_ context.Context, items []string) ([]string, error) {
				slices.Sort(items)
				runs = append(runs, strings.Join(items, " "))
				time.Sleep(time.Second)
				return items, nil
			},
		})
		var callers sync.WaitGroup
		for _, item := range []string{"first", "a1", "a2", "a3", "b1", "c1"} {
			callers.Go(func() { _, _ = group.Do(t.Context(), item) })
			synctest.Wait() // so that they come in this order
		}
		callers.Wait()
		want := []string{"first", "a1 b1", "a2 c1", "a3"}
		if diff := cmp.Diff(want, runs); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func TestOneBadItemDoesNotSpoilTheRest(t *testing.T) {
	t.Parallel()
	bad := errors.New("bad item")
	for name, test := range map[string]struct {
		spoils func(error) bool
		want   []error // for the items good, bad, good
	}{
		"each is tried alone":       {func(err error) bool { return errors.Is(err, bad) }, []error{nil, bad, nil}},
		"the failure is everyone's": {nil, []error{bad, bad, bad}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				group := batch.New(batch.Config[string, string]{
					Spoils: test.spoils,
					Run: func(_ context.Context, items []string) ([]string, error) {
						time.Sleep(time.Second)
						if slices.Contains(items, "bad") {
							return nil, bad
						}
						return items, nil
					},
				})
				go func() { _, _ = group.Do(t.Context(), "first") }()
				synctest.Wait()
				got := make([]error, 3)
				var callers sync.WaitGroup
				for i, item := range []string{"good", "bad", "good"} {
					callers.Go(func() { _, got[i] = group.Do(t.Context(), item) })
				}
				callers.Wait()
				for i := range got {
					if !errors.Is(got[i], test.want[i]) {
						t.Errorf("item %d: %v, want %v", i, got[i], test.want[i])
					}
				}
			})
		})
	}
}

func TestACallerThatLeavesLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran []string
		group := batch.New(batch.Config[string, string]{Run: func(_ context.Context, items []string) ([]string, error) {
			ran = append(ran, items...)
			time.Sleep(time.Second)
			return items, nil
		}})
		go func() { _, _ = group.Do(t.Context(), "first") }()
		synctest.Wait()
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			_, err := group.Do(ctx, "leaves")
			left <- err
		}()
		stayed := make(chan error)
		go func() {
			_, err := group.Do(t.Context(), "stays")
			stayed <- err
		}()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the one that left: %v", err)
		}
		if err := <-stayed; err != nil {
			t.Errorf("the one that stayed: %v", err)
		}
		if want := []string{"first", "stays"}; !slices.Equal(ran, want) {
			t.Errorf("ran %v, want %v", ran, want)
		}
	})
}

// Many at once, under the race detector: everyone gets their own result.
func TestEveryoneGetsTheirOwn(t *testing.T) {
	t.Parallel()
	group := batch.New(batch.Config[int, int]{
		Runners: 3, Most: 16,
		Run: func(_ context.Context, items []int) ([]int, error) {
			out := make([]int, len(items))
			for i, item := range items {
				out[i] = item * item
			}
			return out, nil
		},
	})
	var callers sync.WaitGroup
	for item := range 2000 {
		callers.Go(func() {
			if got, err := group.Do(t.Context(), item); got != item*item || err != nil {
				t.Errorf("Do(%d) = %d, %v", item, got, err)
			}
		})
	}
	callers.Wait()
}

func TestBeginHearsOfEachRun(t *testing.T) {
	t.Parallel()
	type key struct{}
	var callers []any
	var ended []error
	failure := errors.New("failed")
	g := batch.New(batch.Config[int, any]{
		Begin: func(ctx context.Context, waiting []context.Context) (context.Context, func(error)) {
			for _, caller := range waiting {
				callers = append(callers, caller.Value(key{}))
			}
			return context.WithValue(ctx, key{}, "the run"), func(err error) { ended = append(ended, err) }
		},
		Run: func(ctx context.Context, items []int) ([]any, error) {
			if items[0] < 0 {
				return nil, failure
			}
			return []any{ctx.Value(key{})}, nil
		},
	})
	got, err := g.Do(context.WithValue(t.Context(), key{}, "a caller"), 1)
	if err != nil || got != "the run" {
		t.Errorf("the run had the context of %v, %v", got, err)
	}
	if _, err := g.Do(context.WithValue(t.Context(), key{}, "another"), -1); !errors.Is(err, failure) {
		t.Errorf("it ended with %v", err)
	}
	if !slices.Equal(callers, []any{"a caller", "another"}) || !slices.Equal(ended, []error{nil, failure}) {
		t.Errorf("begun for %v, ended with %v", callers, ended)
	}
}

// Nobody who does not trace pays for it: "untraced" allocates what it did before there was Begin.
func BenchmarkDo(b *testing.B) {
	begin := func(ctx context.Context, _ []context.Context) (context.Context, func(error)) {
		return ctx, func(error) {}
	}
	for name, cfg := range map[string]batch.Config[int, int]{"untraced": {}, "traced": {Begin: begin}} {
		b.Run(name, func(b *testing.B) {
			outs := []int{1}
			cfg.Run = func(context.Context, []int) ([]int, error) { return outs, nil }
			g := batch.New(cfg)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Do(b.Context(), 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
