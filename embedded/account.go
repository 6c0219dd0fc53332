package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that PostgreSQL runs as. It refuses to run as root.
type account struct {
	name       string
	credential *syscall.Credential // nil: the user that we are
}

// unprivileged returns the user to run PostgreSQL as: ourselves, or for root the user
// postgres or nobody.
func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		if err != nil {
			return account{}, err
		}
		gid, err := strconv.ParseUint(found.Gid, 10, 32)
		if err != nil {
			return account{}, err
		}
		return account{name: name, credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return account{}, errors.New("PostgreSQL can't run as root, and there is neither a user postgres nor nobody")
}

// take makes the folder the account's own and lets the account reach it.
func (a account) take(path string) error {
	if a.credential == nil {
		return nil
	}
	if err := os.Chown(path, int(a.credential.Uid), int(a.credential.Gid)); err != nil {
		return err
	}
	for above := filepath.Dir(path); above != filepath.Dir(above); above = filepath.Dir(above) {
		if err := a.pass(above); err != nil {
			return err
		}
	}
	return nil
}

// pass lets the account through a folder above its own. Only temporary folders are
// opened for that; who closed another one will have had a reason.
func (a account) pass(folder string) error {
	const passable = 0o001
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm()&passable != 0 {
		return err
	}
	if within, err := filepath.Rel(os.TempDir(), folder); err != nil || !filepath.IsLocal(within) {
		return fmt.Errorf("%s is closed to the user %s, which PostgreSQL runs as instead of root", folder, a.name)
	}
	return os.Chmod(folder, info.Mode().Perm()|passable)
}

// attributes are how a child is started as this account.
func (a account) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: a.credential}
}
