package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = "devel"

var versionCommand = command{
	name: "version", summary: "prints the version, the Go version and the revision", example: "settled version",
	set: func(*flag.FlagSet) func(context.Context, environment, []string) error {
		return func(_ context.Context, e environment, words []string) error {
			if len(words) > 0 {
				return misused("there is no use for %q", words[0])
			}
			_, err := fmt.Fprintf(e.out, "settled %s\n%s\nrevision %s\n", version, runtime.Version(), revision())
			return err
		}
	},
}

// revision is the commit that the program was built from, as far as the build knows.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, changed := "unknown", ""
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			revision = setting.Value
		case "vcs.modified":
			if setting.Value == "true" {
				changed = " with changes"
			}
		}
	}
	return revision + changed
}
