package limits

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"settled/bench/rig"
)

var disk = []rig.Contestant{{
	Name: Fdatasync, Settings: "8 KiB written over and over at one place of a file, as a log that is preallocated; on the disk of both servers",
	Run: fdatasync,
}}

func fdatasync(ctx context.Context, r *rig.Round) (m rig.Measure, err error) {
	file, err := os.Create(filepath.Join(r.Folder, "log"))
	if err != nil {
		return m, fmt.Errorf("make a file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	page := make([]byte, 8<<10)
	if _, err := file.Write(make([]byte, 16<<20)); err != nil {
		return m, fmt.Errorf("fill the file: %w", err)
	}
	if err := file.Sync(); err != nil {
		return m, fmt.Errorf("sync the file: %w", err)
	}
	return spin(ctx, r.Span, func(context.Context) (int, error) {
		if _, err := file.WriteAt(page, 0); err != nil {
			return 0, fmt.Errorf("write: %w", err)
		}
		if err := syscall.Fdatasync(int(file.Fd())); err != nil {
			return 0, fmt.Errorf("sync: %w", err)
		}
		return 1, nil
	})
}
