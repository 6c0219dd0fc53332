package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"settled/cmd/settled/config"
)

// reloader replaces the merchants' keys while the process runs: when it is told to by
// SIGHUP, and when it sees that the configuration file or one of the files that it names
// has changed.
type reloader struct {
	process *process
	file    string
	seen    map[string]string // by merchant: the digest of the keys in use
	said    string            // why the file was refused the last time
}

func newReloader(p *process, file string) *reloader {
	r := &reloader{process: p, file: file, seen: map[string]string{}}
	for name, m := range p.cfg.Merchants {
		r.seen[name] = digest(m)
	}
	return r
}

// watch looks at the file every few seconds, and at once when hangup says so, until ctx ends.
func (r *reloader) watch(ctx context.Context, hangup <-chan os.Signal) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		told := false
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-hangup:
			told = true
		}
		replaced := r.reload(ctx)
		if told && replaced == 0 && r.said == "" {
			r.process.log.InfoContext(ctx, "configuration read, no key has changed")
		}
	}
}

// reload reads the file and replaces the keys that have changed. A file with a mistake is
// refused as a whole, and said once; what was in use goes on.
func (r *reloader) reload(ctx context.Context) (replaced int) {
	cfg, err := config.Load(r.file, os.LookupEnv)
	if err != nil {
		r.refuse(ctx, err)
		return 0
	}
	changes, err := r.changes(cfg)
	if err != nil {
		r.refuse(ctx, err)
		return 0
	}
	for _, c := range changes {
		name := c.merchant.Name
		r.process.merchants[name].Replace(c.account.gateway, keeps(c.merchant), c.account.former...)
		r.process.metrics.hostsForgotten(name)
		r.process.sights.forget(name)
		r.process.sights.holds(name, c.account.tokens)
		r.seen[name] = c.digest
		r.process.metrics.reloads.WithLabelValues("replaced").Inc()
		r.process.log.InfoContext(ctx, "keys of a merchant replaced", "merchant", name, "former_keys_verify", keeps(c.merchant))
	}
	r.said = ""
	r.noteNew(ctx, cfg)
	return len(changes)
}

// change is a merchant whose keys are to be replaced.
type change struct {
	merchant config.Merchant
	digest   string
	account  account
}

// changes makes new gateways for the merchants whose sections have changed, all of them or
// none: the changes of one file may belong together.
func (r *reloader) changes(cfg *config.Config) ([]change, error) {
	var changes []change
	for _, name := range slices.Sorted(maps.Keys(r.process.merchants)) {
		m, there := cfg.Merchants[name]
		c := change{merchant: m, digest: digest(m)}
		if r.seen[name] == c.digest {
			continue
		}
		if !there || identity(m) != identity(r.process.cfg.Merchants[name]) {
			return nil, fmt.Errorf("merchants.%s has gone or is another account, which takes a restart and, for another account, another name", name)
		}
		var err error
		if c.account, err = r.process.account(m); err != nil {
			return nil, fmt.Errorf("merchants.%s: %w", name, err)
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// noteNew says once of each new merchant that nobody serves it yet.
func (r *reloader) noteNew(ctx context.Context, cfg *config.Config) {
	for _, name := range slices.Sorted(maps.Keys(cfg.Merchants)) {
		if _, known := r.seen[name]; known {
			continue
		}
		r.seen[name] = ""
		r.process.log.WarnContext(ctx, "a new merchant takes a restart", "merchant", name)
	}
}

// refuse says once why the file is not taken.
func (r *reloader) refuse(ctx context.Context, err error) {
	if r.said == err.Error() {
		return
	}
	r.said = err.Error()
	r.process.metrics.reloads.WithLabelValues("refused").Inc()
	r.process.log.ErrorContext(ctx, "changed configuration refused", "error", err)
}

// identity is whose account it is: what was requested for one can't be sent for another.
func identity(m config.Merchant) string {
	number := ""
	switch {
	case m.Legacy != nil:
		number = m.Legacy.PartnerID
	case m.V2 != nil:
		number = m.V2.MchID
	case m.V3 != nil:
		number = m.V3.MchID
	}
	return m.Protocol + " " + m.AppID + " " + number
}

// keeps reports whether what verified before a reload goes on verifying after it.
func keeps(m config.Merchant) bool {
	switch {
	case m.Legacy != nil:
		return !m.Legacy.AlsoVerify.Given
	case m.V2 != nil:
		return !m.V2.AlsoVerify.Given
	case m.V3 != nil:
		return !m.V3.AlsoVerify.Given
	}
	return false
}

// digest tells two versions of a merchant's section apart, the content of the files that it
// names included.
func digest(m config.Merchant) string {
	hash := sha256.New()
	write := func(parts ...string) {
		for _, part := range parts {
			fmt.Fprintf(hash, "%d:%s,", len(part), part) // the length keeps neighbours apart
		}
	}
	write(m.Name, m.Protocol, m.Endpoint, m.BackupEndpoint, m.AppID, fmt.Sprint(keeps(m)))
	switch {
	case m.Legacy != nil:
		l := m.Legacy
		write(l.AppSecret.Reveal(), l.PaySignKey.Reveal(), l.PartnerID, l.PartnerKey.Reveal(), fmt.Sprint(l.StableToken, l.TokenDailyQuota, l.DeliverNotify))
		for _, k := range l.AlsoVerify.Keys {
			write(k.PaySignKey.Reveal(), k.PartnerKey.Reveal())
		}
	case m.V2 != nil:
		v := m.V2
		write(v.MchID, v.APIKey.Reveal(), v.SignType, content(v.ClientCertificate), content(v.ClientKey), fmt.Sprint(v.Rate))
		for _, k := range v.AlsoVerify.Keys {
			write(k.APIKey.Reveal())
		}
	case m.V3 != nil:
		v := m.V3
		write(v.MchID, v.APIV3Key.Reveal(), content(v.PrivateKey), v.CertificateSerial, content(v.Certificate), v.PublicKeyID, content(v.PublicKey), fmt.Sprint(v.Rate))
		for _, k := range v.AlsoVerify.Keys {
			write(k.PublicKeyID, content(k.PublicKey), k.APIV3Key.Reveal())
		}
	}
	return string(hash.Sum(nil))
}

// content is what a file holds, or why it can't be read.
func content(path string) string {
	if path == "" {
		return ""
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
