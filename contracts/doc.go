// Package contracts is settled's outside as machines read it: asyncapi.yaml for the messages
// on NATS, openapi.yaml for HTTP, and a JSON Schema for everything that either carries. It
// reads them, and says what a change of them breaks for the programs on the other side.
//
// It must not know a Go type of settled: the files are what was promised, and tests hold the
// program to them.
package contracts

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed asyncapi.yaml openapi.yaml schemas
var current embed.FS

//go:embed tagged
var tagged embed.FS

// Current is the contract as it stands in this tree.
func Current() fs.FS { return current }

// Tagged is the contract that was tagged last, and its name, such as v1 or v1.2.
func Tagged() (name string, files fs.FS, err error) {
	folders, err := fs.ReadDir(tagged, "tagged")
	if err != nil {
		return "", nil, fmt.Errorf("list tagged contracts: %w", err)
	}
	var last [2]int
	for _, folder := range folders {
		if !folder.IsDir() {
			continue // the checksums
		}
		number, err := parseVersion(folder.Name())
		if err != nil {
			return "", nil, fmt.Errorf("read the name of a tagged contract: %w", err)
		}
		if slices.Compare(number[:], last[:]) > 0 {
			last, name = number, folder.Name()
		}
	}
	if name == "" {
		return "", nil, errors.New("no contract was ever tagged")
	}
	files, err = fs.Sub(tagged, path.Join("tagged", name))
	return name, files, err
}

// parseVersion reads v1 or v1.2.
func parseVersion(name string) (number [2]int, err error) {
	major, minor, both := strings.Cut(strings.TrimPrefix(name, "v"), ".")
	if number[0], err = strconv.Atoi(major); err == nil && both {
		number[1], err = strconv.Atoi(minor)
	}
	return number, err
}
