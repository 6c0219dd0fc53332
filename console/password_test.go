package console_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"settled/console"
)

func TestAPasswordIsVerifiedByItsHashAlone(t *testing.T) {
	t.Parallel()
	made, err := console.Hash(password, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(made, "pbkdf2-sha256$600000$") {
		t.Errorf("the hash is %s", made)
	}
	again, err := console.Hash(password, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if again == made {
		t.Error("two hashes of one password are the same")
	}
	if !console.Verify(made, password) {
		t.Error("the password is not verified")
	}
	for _, wrong := range []string{"", password + " ", strings.ToUpper(password)} {
		if console.Verify(hash(), wrong) {
			t.Errorf("%q is verified", wrong)
		}
	}
}

// TestAKnownHash holds the format against one that another program has made (Python's
// hashlib.pbkdf2_hmac).
func TestAKnownHash(t *testing.T) {
	t.Parallel()
	const made = "pbkdf2-sha256$600000$AAECAwQFBgcICQoLDA0ODw$7xdxRO7JQgy8EJPSqLNEqSvFBtDU7JwCjdGfgyTYweY"
	if !console.Verify(made, "correct horse battery staple") {
		t.Error("the hash is not verified")
	}
}

func TestAHashThatIsNoneVerifiesNothing(t *testing.T) {
	t.Parallel()
	parts := strings.Split(hash(), "$")
	for _, bad := range []string{
		"", "$$$", "plain", strings.Join(parts[:3], "$"), hash() + "$", "md5$" + strings.Join(parts[1:], "$"),
		strings.Join([]string{parts[0], "1000", parts[2], parts[3]}, "$"),
		strings.Join([]string{parts[0], "99999999999", parts[2], parts[3]}, "$"),
		strings.Join([]string{parts[0], parts[1], "", parts[3]}, "$"),
		strings.Join([]string{parts[0], parts[1], parts[2], ""}, "$"),
	} {
		if console.Verify(bad, password) {
			t.Errorf("%q verifies", bad)
		}
	}
}

func TestShortPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "elevenchars", strings.Repeat("x", 1025)} {
		if _, err := console.Hash(bad, rand.Reader); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := console.Hash("十二个汉字的密码也可以用", rand.Reader); err != nil {
		t.Errorf("twelve Chinese characters are refused: %v", err)
	}
}
