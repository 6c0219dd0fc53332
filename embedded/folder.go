package embedded

import (
	"fmt"
	"os"
	"path/filepath"
)

// folder is where a server keeps its files.
type folder struct {
	path      string
	temporary bool
}

// openFolder returns the folder at path, made if it is not there; without a path, a
// temporary one.
func openFolder(path, name string) (folder, error) {
	if path == "" {
		made, err := os.MkdirTemp("", "settled-"+name+"-")
		return folder{path: made, temporary: true}, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return folder{}, err
	}
	return folder{path: absolute}, os.MkdirAll(absolute, 0o755)
}

// restore makes a temporary folder anew that discard has removed.
func (f folder) restore() error { return os.MkdirAll(f.path, 0o700) }

// discard removes the folder if it is temporary.
func (f folder) discard() error {
	if !f.temporary {
		return nil
	}
	if err := os.RemoveAll(f.path); err != nil {
		return fmt.Errorf("remove %s: %w", f.path, err)
	}
	return nil
}
