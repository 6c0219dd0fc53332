package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"settled/cmd/settled/config"
	"settled/wechat/simulator"
)

var simulatorCommand = command{
	name: "simulator", args: "[--listen ADDR] [--config F] [--keys DIR] [--compress N] [--bill-after D]",
	summary: "runs WeChat's side by itself, to integrate against",
	example: "settled simulator --listen 127.0.0.1:9090 --config settled.yaml",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		address := flags.String("listen", "127.0.0.1:9090", "the `address` to listen on")
		file := flags.String("config", "", "a configuration `file` of settled, whose merchants WeChat is to know; without one it knows the merchants of WeChat's own documents")
		folder := flags.String("keys", "", "the `folder` that WeChat's keys of APIv3 merchants are kept in, made if it is missing; without one they are other keys each time")
		billAfter := flags.Duration("bill-after", 9*time.Hour, "how long after a day, in Beijing, its bill is there, as a `duration`; -24h: at once")
		compress := flags.Float64("compress", 1, "divide every pause between notifies by this `factor`")
		return func(ctx context.Context, e environment, words []string) error {
			if len(words) > 0 {
				return misused("there is no use for %q", words[0])
			}
			if *compress <= 0 {
				return misused("--compress must be more than 0")
			}
			keys := keyFolder(*folder)
			if *file == "" && keys == "" {
				temporary, err := os.MkdirTemp("", "settled-simulator-")
				if err != nil {
					return fmt.Errorf("make a folder for keys: %w", err)
				}
				defer func() { _ = os.RemoveAll(temporary) }() // what is left is in nobody's way
				keys = keyFolder(temporary)
			}
			merchants, err := known(*file, keys)
			if err != nil {
				return err
			}
			if keys != "" {
				e.log.InfoContext(ctx, "simulator keeps keys", "folder", string(keys))
			}
			return simulate(ctx, e, *address, simulator.Config{
				Merchants: merchants, Compress: *compress, BillAfter: *billAfter, Now: time.Now, Random: rand.Reader, Log: e.log,
			})
		}
	},
}

// documentedMerchant has the credentials that WeChat's APP payment document prints for
// everyone to try its examples with.
var documentedMerchant = simulator.Merchant{
	Name: "classic", Protocol: simulator.Legacy,
	AppID: "wxd930ea5d5a258f4f", AppSecret: "db426a9829e4b49a0dcac7b4162da6b6",
	PaySignKey: "L8LrMqqeGRxST5reouB0K66CaYAWpqhAVsq7ggKkxHCOastWksvuX1uvmvQclxaHoYd3ElNBrNO2DHnnzgfVG9Qs473M3DTOZug5er46FhuGofumV8H2FVR9qkjSlC5K",
	PartnerID:  "1900000109", PartnerKey: "8934e7d15453e97507ef794cf7b0519d",
}

// documentedMerchants are those of WeChat's documents: that of the APP payment document, and
// that of APIv2's examples, with the key of its document on signing.
var documentedMerchants = []simulator.Merchant{
	documentedMerchant,
	{
		Name: "classic-v2", Protocol: simulator.V2,
		AppID: "wx2421b1c4370ec43b", MchID: "10000100", APIKey: "192006250b4c09247ec02edce69f6a2d",
	},
}

// documentedV3 is the merchant of APIv3's documents, all but its keys: their private halves
// are nobody's to print. The APIv3 key is that of WeChat's own tests.
var documentedV3 = simulator.Merchant{
	Name: "classic-v3", Protocol: simulator.V3,
	AppID: "wxd678efh567hg6787", MchID: "1900007291", CertificateSerial: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
	APIV3Key: "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb", WechatKeyID: "PUB_KEY_ID_0000000000000024101100397200000006",
}

// known are the merchants that WeChat is to know: those of a configuration, or without one
// those of WeChat's documents, of which one finds its private key in the folder.
func known(file string, keys keyFolder) ([]simulator.Merchant, error) {
	if file != "" {
		cfg, err := loadKeyless(file, nil)
		if err != nil {
			return nil, err
		}
		return simulated(cfg, keys)
	}
	merchant := documentedV3
	private, err := keys.private(merchant.Name, merchantPrivateFile)
	if err != nil {
		return nil, err
	}
	merchant.PublicKey = &private.PublicKey
	if merchant.WechatKey, err = keys.wechat(merchant.Name, ""); err != nil {
		return nil, err
	}
	return append(slices.Clone(documentedMerchants), merchant), nil
}

// simulated are the merchants of a configuration as WeChat knows them.
func simulated(cfg *config.Config, keys keyFolder) ([]simulator.Merchant, error) {
	var merchants []simulator.Merchant
	for _, name := range slices.Sorted(maps.Keys(cfg.Merchants)) {
		m := cfg.Merchants[name]
		switch {
		case m.Legacy != nil:
			merchants = append(merchants, simulatedLegacy(name, m))
		case m.V2 != nil:
			merchants = append(merchants, simulatedV2(name, m))
		case m.V3 != nil:
			merchant, err := simulatedV3(name, m, keys)
			if err != nil {
				return nil, err
			}
			merchants = append(merchants, merchant)
		}
	}
	return merchants, nil
}

func simulatedLegacy(name string, m config.Merchant) simulator.Merchant {
	return simulator.Merchant{
		Name: name, Protocol: simulator.Legacy, AppID: m.AppID, AppSecret: m.Legacy.AppSecret.Reveal(),
		PaySignKey: m.Legacy.PaySignKey.Reveal(), PartnerID: m.Legacy.PartnerID, PartnerKey: m.Legacy.PartnerKey.Reveal(),
		TokenDailyQuota: m.Legacy.TokenDailyQuota,
	}
}

func simulatedV2(name string, m config.Merchant) simulator.Merchant {
	return simulator.Merchant{
		Name: name, Protocol: simulator.V2, AppID: m.AppID,
		MchID: m.V2.MchID, APIKey: m.V2.APIKey.Reveal(), SignType: m.V2.SignType,
	}
}

// simulatedV3 makes no key for a merchant that verifies with platform certificates: it
// downloads whatever there is.
func simulatedV3(name string, m config.Merchant, keys keyFolder) (simulator.Merchant, error) {
	private, err := readPrivateKey(m.V3.PrivateKey)
	if err != nil {
		return simulator.Merchant{}, misused("merchants.%s.private_key: %w", name, err)
	}
	merchant := simulator.Merchant{
		Name: name, Protocol: simulator.V3, AppID: m.AppID, MchID: m.V3.MchID, APIV3Key: m.V3.APIV3Key.Reveal(),
		CertificateSerial: m.V3.CertificateSerial, PublicKey: &private.PublicKey, KeyMode: simulator.PlatformCertificates,
	}
	if m.V3.PublicKeyID == "" {
		return merchant, nil
	}
	merchant.KeyMode, merchant.WechatKeyID = simulator.PublicKey, m.V3.PublicKeyID
	merchant.WechatKey, err = keys.wechat(name, m.V3.PublicKey)
	return merchant, err
}

func simulate(ctx context.Context, e environment, address string, cfg simulator.Config) error {
	wechat, err := simulator.New(cfg)
	if err != nil {
		return fmt.Errorf("make the simulator: %w", err)
	}
	defer wechat.Close()
	listener, err := listen(ctx, address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: wechat, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	e.log.InfoContext(ctx, "simulator listens", "address", listener.Addr().String())
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return stands(errors.Join(err, server.Shutdown(end)))
}
