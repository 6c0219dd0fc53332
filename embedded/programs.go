package embedded

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// postgresPrograms finds the folder that holds initdb and postgres: the one in PATH, the
// one pg_config names, or the newest that Debian's packages have installed.
func postgresPrograms(ctx context.Context) (string, error) {
	var folders []string
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if target, err := filepath.EvalSymlinks(initdb); err == nil {
			folders = append(folders, filepath.Dir(target))
		}
	}
	if named, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(named)))
	}
	for _, candidate := range append(folders, debianFolders()...) {
		if executable(candidate, "initdb") && executable(candidate, "postgres") {
			return candidate, nil
		}
	}
	return "", errors.New("PostgreSQL's initdb and postgres are not installed (Debian and Ubuntu: apt-get install postgresql)")
}

// debianFolders are the folders of Debian's packages, the newest version first.
func debianFolders() []string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	return found
}

func executable(folder, name string) bool {
	info, err := os.Stat(filepath.Join(folder, name))
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
