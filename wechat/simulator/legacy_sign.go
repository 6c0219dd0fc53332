package simulator

import (
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// legacyMD5 is the signature of package and of a notify's query: MD5 over the values as
// they are, empty ones left out, keys in ASCII order, &key= and the partner key behind
// (document, "package"). The values are bytes in input_charset. Uppercase hex.
func legacyMD5(values map[string]string, partnerKey string) string {
	signed := maps.Clone(values)
	delete(signed, "sign")
	maps.DeleteFunc(signed, func(_, value string) bool { return value == "" })
	return fmt.Sprintf("%X", md5.Sum([]byte(legacyJoin(signed)+"&key="+partnerKey)))
}

// legacySHA1 is the signature of everything else: SHA1 over the values as they are and the
// pay sign key as appkey, keys in ASCII order (document, "app_signature"). Lowercase hex.
func legacySHA1(values map[string]string, paySignKey string) string {
	signed := maps.Clone(values)
	signed["appkey"] = paySignKey
	return fmt.Sprintf("%x", sha1.Sum([]byte(legacyJoin(signed))))
}

func legacyJoin(values map[string]string) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if text.Len() > 0 {
			text.WriteByte('&')
		}
		text.WriteString(key + "=" + values[key])
	}
	return text.String()
}

// checkLegacySignature checks what every body has: the app's id, the method and the
// signature over all the other fields.
func checkLegacySignature(m Merchant, values map[string]string) error {
	switch {
	case values["appid"] != m.AppID:
		return refuse(legacyForeignApp, "")
	case values["sign_method"] != "sha1":
		return refuse(legacyInvalid, "sign_method must be sha1")
	}
	signed := maps.Clone(values)
	delete(signed, "app_signature")
	delete(signed, "sign_method")
	if legacySHA1(signed, m.PaySignKey) != values["app_signature"] {
		return refuse(legacyBadSignature, "app_signature")
	}
	return nil
}
