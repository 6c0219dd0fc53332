package limits

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"settled/bench/rig"
	"settled/bench/shop"
)

var ciphers = []rig.Contestant{
	{Name: Sign, Settings: "PKCS #1 v1.5 of a SHA-256 of 1 KiB, as Go's crypto/rsa has it; one thread", Run: sign},
	{Name: Verify, Settings: "the same, verified", Run: verify},
	{Name: RSA, Settings: "4 signatures and 4 verifications, which is what both sides do for one payment; a thread for each core", Run: payment},
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

// payment is all that both sides sign and verify of one payment, on every core.
func payment(ctx context.Context, r *rig.Round) (rig.Measure, error) {
	keys, err := shop.Keys()
	if err != nil {
		return rig.Measure{}, fmt.Errorf("make keys: %w", err)
	}
	cores := runtime.NumCPU()
	each, failed := make([]rig.Measure, cores), make([]error, cores)
	var working sync.WaitGroup
	began := time.Now()
	for core := range cores {
		working.Go(func() {
			each[core], failed[core] = spin(ctx, r.Span, func(context.Context) (int, error) { return 1, signAndVerify(keys.WeChat, 4) })
		})
	}
	working.Wait()
	m := rig.Measure{Took: time.Since(began)}
	for _, one := range each {
		m.Operations += one.Operations
	}
	return m, errors.Join(failed...)
}

func signAndVerify(key *rsa.PrivateKey, times int) error {
	for range times {
		sum := sha256.Sum256(kilobyte)
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			return fmt.Errorf("sign: %w", err)
		}
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
	}
	return nil
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
