package bus_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"settled/events"
	"settled/events/bus"
)

var errBroken = errors.New("broken")

func TestWhatIsDoneIsNotDeliveredAgain(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	seen, _ := w.consume(events.Consumer{AckWait: time.Second}, func(context.Context, delivery) error { return nil })
	for n := range 20 {
		w.send(n)
	}
	numbers := map[int]int{}
	for range 20 {
		numbers[w.next(seen).number]++
	}
	w.settledDown("prepare")
	if len(numbers) != 20 || len(seen) != 0 {
		t.Errorf("%d different messages were handled, and %d once more", len(numbers), len(seen))
	}
}

func TestLaterComesAgainAfterItsDelay(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	const delay = 300 * time.Millisecond
	seen, _ := w.consume(events.Consumer{MaxAttempts: 2}, func(_ context.Context, d delivery) error {
		if d.attempt < 4 { // more often than an error may come
			return events.Later(errBroken, delay)
		}
		return nil
	})
	began := time.Now()
	w.send(1)
	for attempt := 1; attempt <= 4; attempt++ {
		if d := w.next(seen); d.attempt != attempt {
			t.Fatalf("attempt %d came as %d", attempt, d.attempt)
		}
	}
	if took := time.Since(began); took < 3*delay {
		t.Errorf("three delays of %s took %s", delay, took)
	}
	w.settledDown("prepare")
	w.letters(0)
}

func TestParkedMessagesAreDeadLetters(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	seen, _ := w.consume(events.Consumer{}, func(context.Context, delivery) error {
		return events.Park(errors.New("not\n  for us"))
	})
	w.send(7)
	w.next(seen)
	letter := w.letters(1)[0]
	if letter.Subject != events.PaymentRequested || letter.Reason != "not for us" || letter.Attempts != 1 || string(letter.Data) != "7" {
		t.Errorf("dead letter %+v", letter)
	}
	if letter.Header[events.HeaderID][0] != "id-7" {
		t.Errorf("the letter lost its headers: %v", letter.Header)
	}
	w.settledDown("prepare")
}

// A message that can't be kept as a dead letter comes again until it can.
func TestALetterThatCanNotBeStoredIsNotGivenUp(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	stream, err := w.client.Stream(t.Context(), w.streamName(bus.Dead))
	if err != nil {
		t.Fatal(err)
	}
	full := stream.CachedInfo().Config
	full.MaxMsgSize = 1
	if _, err := w.client.UpdateStream(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	seen, _ := w.consume(events.Consumer{}, func(context.Context, delivery) error { return events.Park(errBroken) })
	w.send(7)
	for attempt := 1; attempt <= 2; attempt++ {
		if d := w.next(seen); d.attempt != attempt {
			t.Fatalf("attempt %d came as %d", attempt, d.attempt)
		}
	}
	full.MaxMsgSize = -1
	if _, err := w.client.UpdateStream(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	if letter := w.letters(1)[0]; letter.Attempts < 2 {
		t.Errorf("dead letter %+v", letter)
	}
}

func TestAnErrorIsADeadLetterInTheEnd(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	seen, _ := w.consume(events.Consumer{MaxAttempts: 2}, func(_ context.Context, d delivery) error {
		if d.number == 1 {
			panic("a bug")
		}
		return errBroken
	})
	w.send(1)
	w.send(2)
	for range 2 {
		w.next(seen) // the panic never comes to the channel
	}
	reasons := map[string]string{}
	for _, letter := range w.letters(2) {
		reasons[string(letter.Data)] = letter.Reason
		if letter.Attempts != 2 {
			t.Errorf("dead after %d attempts, want 2", letter.Attempts)
		}
	}
	if !strings.Contains(reasons["1"], "a bug") || reasons["2"] != "broken" {
		t.Errorf("reasons %q", reasons)
	}
}

func TestHeldMessagesStayInHand(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	tries := 0
	seen, _ := w.consume(events.Consumer{InFlight: 1, MaxAttempts: 2, AckWait: time.Second}, func(context.Context, delivery) error {
		if tries++; tries < 5 {
			return events.Hold(errBroken)
		}
		return nil
	})
	w.send(1)
	for range 5 {
		if d := w.next(seen); d.attempt != 1 {
			t.Errorf("a held message was delivered again, as attempt %d", d.attempt)
		}
	}
	w.settledDown("prepare")
	w.letters(0)
}

func TestPoisonDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	seen, _ := w.consume(events.Consumer{InFlight: 2, MaxAttempts: 2}, func(_ context.Context, d delivery) error {
		if d.number < 10 {
			return errBroken
		}
		return nil
	})
	for n := range 30 {
		w.send(n)
	}
	done := map[int]bool{}
	for len(done) < 20 {
		if d := w.next(seen); d.number >= 10 {
			done[d.number] = true
		}
	}
	w.letters(10)
}

func TestDeadLettersAreReplayedAndDropped(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	broken := true
	seen, _ := w.consume(events.Consumer{InFlight: 1}, func(context.Context, delivery) error {
		if broken {
			return events.Park(errBroken)
		}
		return nil
	})
	w.send(1)
	w.send(2)
	w.next(seen)
	w.next(seen)
	letters := w.letters(2)
	if err := w.DropDead(t.Context(), letters[0].Sequence); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeadLetter(t.Context(), letters[0].Sequence); !errors.Is(err, bus.ErrNoLetter) {
		t.Errorf("a dropped letter is read: %v", err)
	}
	w.letters(1)

	// A letter that is replayed and dies again is kept again.
	if err := w.ReplayDead(t.Context(), letters[1]); err != nil {
		t.Fatal(err)
	}
	w.next(seen)
	again := w.letters(1)[0]
	if again.Sequence == letters[1].Sequence || string(again.Data) != string(letters[1].Data) {
		t.Errorf("after the replay the letter is %+v", again)
	}
}

func TestAReplayedLetterIsHandled(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	seen, stop := w.consume(events.Consumer{}, func(context.Context, delivery) error { return events.Park(errBroken) })
	w.send(1)
	w.next(seen)
	letter := w.letters(1)[0]
	stop()
	seen, _ = w.consume(events.Consumer{}, func(context.Context, delivery) error { return nil })
	if err := w.ReplayDead(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	if d := w.next(seen); d.number != 1 || d.attempt != 1 {
		t.Errorf("replayed as %+v", d)
	}
	w.letters(0)
}
