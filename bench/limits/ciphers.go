package limits

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"time"

	"settled/bench/rig"
	"settled/bench/shop"
)

var ciphers = []rig.Contestant{
	{Name: Sign, Settings: "PKCS #1 v1.5 of a SHA-256 of 1 KiB, as Go's crypto/rsa has it; one thread", Run: sign},
	{Name: Verify, Settings: "the same, verified", Run: verify},
	{Name: Hash, Settings: "of a notify of APIv2; one thread", Run: hash},
}

var kilobyte = make([]byte, 1<<10)

func sign(ctx context.Context, r *rig.Round) (rig.Measure, error) {
	keys, err := shop.Keys()
	if err != nil {
		return rig.Measure{}, fmt.Errorf("make keys: %w", err)
	}
	return spin(ctx, r.Span, func(context.Context) (int, error) {
		sum := sha256.Sum256(kilobyte)
		_, err := rsa.SignPKCS1v15(rand.Reader, keys.WeChat, crypto.SHA256, sum[:])
		return 1, err
	})
}

func verify(ctx context.Context, r *rig.Round) (rig.Measure, error) {
	keys, err := shop.Keys()
	if err != nil {
		return rig.Measure{}, fmt.Errorf("make keys: %w", err)
	}
	sum := sha256.Sum256(kilobyte)
	signature, err := rsa.SignPKCS1v15(rand.Reader, keys.WeChat, crypto.SHA256, sum[:])
	if err != nil {
		return rig.Measure{}, fmt.Errorf("sign: %w", err)
	}
	return spin(ctx, r.Span, func(context.Context) (int, error) {
		sum := sha256.Sum256(kilobyte)
		return 1, rsa.VerifyPKCS1v15(&keys.WeChat.PublicKey, crypto.SHA256, sum[:], signature)
	})
}

func hash(ctx context.Context, r *rig.Round) (rig.Measure, error) {
	notifies, err := shop.Notifies(shop.V2, 1, time.Now())
	if err != nil {
		return rig.Measure{}, err
	}
	return spin(ctx, r.Span, func(context.Context) (int, error) {
		const many = 100 // so that the clock is not what is measured
		for range many {
			shop.MAC(notifies[0].Body)
		}
		return many, nil
	})
}
