package v3

import "fmt"

// maxCertificates bounds what is read of a list. WeChat has two while it changes them.
const maxCertificates = 32

// ReadCertificates reads the body of an answer to certificates: the platform certificates
// that WeChat signs with, each encrypted with the merchant's APIv3 key. That it decrypts
// proves that WeChat wrote it, wherever the bytes have been since. The first answer ever is
// verified with what stands in it, through NewKeyring and Open.
//
// It fails with ErrUnreadable, ErrUndecipherable or ErrKey, and takes all of the list or
// nothing.
func ReadCertificates(apiV3Key string, body []byte) ([]Key, error) {
	answer, err := readObject(body)
	if err != nil {
		return nil, err
	}
	entries := answer.objects("data")
	if len(entries) > maxCertificates {
		return nil, fmt.Errorf("%w: %d certificates", ErrUnreadable, len(entries))
	}
	keys := make([]Key, 0, len(entries))
	for _, entry := range entries {
		serial, certificate := entry.required("serial_no"), readSealed(entry.object("encrypt_certificate"))
		if answer.err() != nil {
			break
		}
		key, err := openCertificate(apiV3Key, serial, certificate)
		if err != nil {
			return nil, fmt.Errorf("certificate %.64q: %w", serial, err)
		}
		keys = append(keys, key)
	}
	if answer.err() != nil {
		return nil, answer.err()
	}
	return keys, nil
}

func openCertificate(apiV3Key, serial string, certificate sealed) (Key, error) {
	text, err := certificate.open(apiV3Key)
	if err != nil {
		return Key{}, err
	}
	key, err := ReadCertificate(text)
	if err != nil {
		return Key{}, err
	}
	if plainID(key.ID) != plainID(serial) {
		return Key{}, fmt.Errorf("%w: its own serial is %s", ErrUnreadable, key.ID)
	}
	return key, nil
}
