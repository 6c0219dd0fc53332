package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Keys are what an APIv3 merchant may see WeChat's signatures made with.
type Keys struct {
	Merchant     string        `json:"merchant"`      // its name
	KeyMode      KeyMode       `json:"key_mode"`      // PublicKey once the merchant has moved to it altogether
	PublicShare  float64       `json:"public_share"`  // of the notifies that the public key signs, 0 to 1
	PublicKeyID  string        `json:"public_key_id"` // PUB_KEY_ID_ and digits
	PublicKey    string        `json:"public_key"`    // PEM
	Certificates []Certificate `json:"certificates"`  // the oldest first
}

// Certificate is a platform certificate.
type Certificate struct {
	SerialNo string    `json:"serial_no"`
	From     time.Time `json:"effective_time"`
	Until    time.Time `json:"expire_time"`
	PEM      string    `json:"certificate"`
}

// ErrUnknownMerchant says that no APIv3 merchant has that name, app id or mch id.
var ErrUnknownMerchant = errors.New("unknown APIv3 merchant")

// Keys returns the keys of an APIv3 merchant, which is a name, app id or mch id; "" is the
// only one there is. It fails with ErrUnknownMerchant.
func (s *Simulator) Keys(merchant string) (Keys, error) {
	a, keys, err := s.v3.keysOf(merchant)
	if err != nil {
		return Keys{}, err
	}
	view, err := keys.view()
	view.Merchant = a.Name
	return view, err
}

// RotateCertificate gives a merchant another platform certificate. The ones before it are
// served and sign as before, until RetireCertificates. It fails with ErrUnknownMerchant.
func (s *Simulator) RotateCertificate(merchant string) error {
	_, keys, err := s.v3.keysOf(merchant)
	if err != nil {
		return err
	}
	return keys.rotate()
}

// RetireCertificates takes all platform certificates but the newest out of use. It fails
// with ErrUnknownMerchant.
func (s *Simulator) RetireCertificates(merchant string) error {
	_, keys, err := s.v3.keysOf(merchant)
	if err != nil {
		return err
	}
	keys.retire()
	return nil
}

// ShiftToPublicKey has the public key sign a share of a merchant's notifies, 0 to 1, and
// platform certificates the rest. At 1 the merchant has moved: its certificates can't be
// downloaded, and answers are signed with the public key unless the call names another. At
// any other share the mode is that of platform certificates. It fails with
// ErrUnknownMerchant, or if share is none.
func (s *Simulator) ShiftToPublicKey(merchant string, share float64) error {
	_, keys, err := s.v3.keysOf(merchant)
	switch {
	case err != nil:
		return err
	case !(share >= 0 && share <= 1):
		return fmt.Errorf("public_share must be 0 to 1, is %v", share)
	}
	return keys.move(share)
}

func (v *v3) keysOf(merchant string) (*account, *v3Keys, error) {
	for _, a := range v.accounts {
		if a.answersTo(merchant) || merchant == "" && len(v.accounts) == 1 {
			return a, v.keys[a], nil
		}
	}
	return nil, nil, fmt.Errorf("%w %q", ErrUnknownMerchant, merchant)
}

func (k *v3Keys) view() (Keys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	view := Keys{KeyMode: PlatformCertificates, PublicShare: k.share, Certificates: []Certificate{}}
	if k.share >= 1 {
		view.KeyMode = PublicKey
	}
	public, err := k.endless()
	if err != nil {
		return Keys{}, err
	}
	view.PublicKeyID = public.id
	if view.PublicKey, err = public.publicPEM(); err != nil {
		return Keys{}, err
	}
	for _, key := range k.certificates {
		view.Certificates = append(view.Certificates, Certificate{key.id, key.from, key.until, string(key.certificate)})
	}
	return view, nil
}

func (s *Simulator) serveKeys(w http.ResponseWriter, r *http.Request) {
	s.answerKeys(w, r.FormValue("merchant"))
}

func (s *Simulator) serveKeyChange(w http.ResponseWriter, r *http.Request) {
	var change struct {
		Merchant    string   `json:"merchant"`
		Rotate      bool     `json:"rotate"`
		Retire      bool     `json:"retire"`
		PublicShare *float64 `json:"public_share"`
	}
	err := readControl(w, r, &change)
	if err == nil && change.Rotate {
		err = s.RotateCertificate(change.Merchant)
	}
	if err == nil && change.Retire {
		err = s.RetireCertificates(change.Merchant)
	}
	if err == nil && change.PublicShare != nil {
		err = s.ShiftToPublicKey(change.Merchant, *change.PublicShare)
	}
	if err != nil {
		writeControlError(w, err)
		return
	}
	s.answerKeys(w, change.Merchant)
}

func (s *Simulator) answerKeys(w http.ResponseWriter, merchant string) {
	keys, err := s.Keys(merchant)
	if err != nil {
		writeControlError(w, err)
		return
	}
	writeControl(w, http.StatusOK, keys)
}
