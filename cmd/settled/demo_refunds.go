package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// wantedRefunds are the refunds that the shop will ask for, by their numbers: of a few
// payments all of the money in one, of a few others some of it in two.
func (o *demoOrder) wantedRefunds(number int) map[string]int {
	if o.leaves || !o.lane.refunds() {
		return nil
	}
	switch number / 3 % 10 {
	case 3:
		return map[string]int{o.id + "-R1": o.total}
	case 6:
		if o.total > 3 {
			return map[string]int{o.id + "-R1": o.total / 3, o.id + "-R2": o.total / 3}
		}
	}
	return nil
}

// giveBack asks for the refunds of an order that the customer has paid. Settled may not
// have heard of the payment yet; it asks WeChat before it says no.
func (s *demoShop) giveBack(ctx context.Context, o *demoOrder) error {
	for i, id := range slices.Sorted(maps.Keys(o.refunds)) {
		body, err := json.Marshal(map[string]any{
			"merchant": o.lane.merchant(), "order_id": o.id, "refund_id": id, "reason": "The tea was cold",
			"amount": map[string]any{"refund": o.refunds[id], "total": o.total, "currency": "CNY"},
		})
		if err != nil {
			return fmt.Errorf("write refund %s: %w", id, err)
		}
		place := s.placeByNATS
		if i%2 == 1 {
			place = s.placeByHTTP
		}
		if err := untilDone(ctx, func() error { return place(ctx, "refund", body) }); err != nil {
			return fmt.Errorf("place refund %s: %w", id, err)
		}
	}
	return nil
}
