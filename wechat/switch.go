package wechat

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"settled"
)

var _ settled.Gateway = (*Switch)(nil)

// mostKept bounds how many former sets of keys a Switch goes on verifying with.
const mostKept = 4

// Switch is a gateway whose keys can be replaced while the program runs. Calls go out by
// the newest; a call that is under way ends as it began; notifies are verified by the
// newest and by those that still may.
type Switch struct {
	// Verified, if set before the Switch is used, hears of every notify that was verified:
	// whether a former key had to.
	Verified func(former bool)

	held atomic.Pointer[held]
}

// held is what a Switch has at one moment.
type held struct {
	current settled.Gateway
	former  []settled.Notifies // newest first
}

// NewSwitch returns a Switch on a gateway, with further keys that verify notifies.
func NewSwitch(current settled.Gateway, former ...settled.Notifies) *Switch {
	s := &Switch{}
	s.held.Store(&held{current: current, former: slices.Clone(former)})
	return s
}

// Replace lets next make the calls from now on. former are the only other ones that verify
// notifies; with keep, those that verified so far, the current one first, go on besides.
func (s *Switch) Replace(next settled.Gateway, keep bool, former ...settled.Notifies) {
	for {
		before := s.held.Load()
		after := &held{current: next, former: slices.Clone(former)}
		if keep {
			after.former = append(after.former, before.current)
			after.former = append(after.former, before.former...)
		}
		after.former = after.former[:min(len(after.former), max(mostKept, len(former)))]
		if s.held.CompareAndSwap(before, after) {
			return
		}
	}
}

// Current is the gateway that makes the calls now.
func (s *Switch) Current() settled.Gateway { return s.held.Load().current }

// Notify verifies a notify by the newest keys that can, and reads it.
func (s *Switch) Notify(ctx context.Context, n settled.Notify) (settled.News, error) {
	h := s.held.Load()
	news, err := h.current.Notify(ctx, n)
	for _, former := range h.former {
		if !errors.Is(err, settled.ErrUnverified) {
			break
		}
		if old, oldErr := former.Notify(ctx, n); oldErr == nil {
			s.verified(true)
			return old, nil
		}
	}
	if err == nil {
		s.verified(false)
	}
	return news, err
}

func (s *Switch) verified(former bool) {
	if s.Verified != nil {
		s.Verified(former)
	}
}

// Answer is the newest gateway's.
func (s *Switch) Answer(a settled.Acknowledgement) settled.Answer { return s.Current().Answer(a) }

// PrepayRequest is the newest gateway's.
func (s *Switch) PrepayRequest(p settled.Payment) ([]byte, error) {
	return s.Current().PrepayRequest(p)
}

// Prepay is the newest gateway's.
func (s *Switch) Prepay(ctx context.Context, p settled.Payment) (settled.Prepared, error) {
	return s.Current().Prepay(ctx, p)
}

// Query is the newest gateway's.
func (s *Switch) Query(ctx context.Context, p settled.Payment) (settled.Trade, error) {
	return s.Current().Query(ctx, p)
}

// Close is the newest gateway's.
func (s *Switch) Close(ctx context.Context, p settled.Payment) error {
	return s.Current().Close(ctx, p)
}

// RefundRequest is the newest gateway's.
func (s *Switch) RefundRequest(p settled.Payment, r settled.Refund) ([]byte, error) {
	return s.Current().RefundRequest(p, r)
}

// Refund is the newest gateway's.
func (s *Switch) Refund(ctx context.Context, r settled.Refund) (settled.Repayment, error) {
	return s.Current().Refund(ctx, r)
}

// QueryRefund is the newest gateway's.
func (s *Switch) QueryRefund(ctx context.Context, r settled.Refund) (settled.Repayment, error) {
	return s.Current().QueryRefund(ctx, r)
}

// Acknowledge is the newest gateway's.
func (s *Switch) Acknowledge(ctx context.Context, p settled.Payment) error {
	return s.Current().Acknowledge(ctx, p)
}

// Acknowledges is the newest gateway's.
func (s *Switch) Acknowledges() bool { return s.Current().Acknowledges() }
