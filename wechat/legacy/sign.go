package legacy

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// SignSHA1 signs parameters as app_signature, AppSignature and the app's sign are signed:
// names in lowercase, the PaySignKey among them as appkey, sorted by byte, values as they
// are; SHA1 in lowercase hex (APP payment document, paySign).
func SignSHA1(parameters map[string]string, paySignKey string) string {
	signed := make(map[string]string, len(parameters)+1)
	for name, value := range parameters {
		signed[strings.ToLower(name)] = value
	}
	signed["appkey"] = paySignKey
	sum := sha1.Sum([]byte(join(signed)))
	return hex.EncodeToString(sum[:])
}

// SignMD5 signs parameters as package and a notify's query are signed: sorted by byte,
// empty values and sign left out, the partner key behind them; MD5 in uppercase hex.
// Values are bytes in the charset that the parameters declare (APP payment document,
// package).
func SignMD5(parameters map[string]string, partnerKey string) string {
	signed := maps.Clone(parameters)
	maps.DeleteFunc(signed, func(name, value string) bool { return name == "sign" || value == "" })
	sum := md5.Sum([]byte(join(signed) + "&key=" + partnerKey))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// join writes k=v&k=v in the order of the names' bytes.
func join(parameters map[string]string) string {
	pairs := make([]string, 0, len(parameters))
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		pairs = append(pairs, name+"="+parameters[name])
	}
	return strings.Join(pairs, "&")
}
