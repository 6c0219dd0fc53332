package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"settled/console"
)

var passwordCommand = command{
	name: "password", summary: "reads a password and prints its hash, for admin.operators",
	example: "settled password",
	set: func(*flag.FlagSet) func(context.Context, environment, []string) error {
		return func(_ context.Context, e environment, words []string) error {
			if len(words) > 0 {
				return misused("a password is never given as an argument, where others can read it: it is asked for, or read from standard input")
			}
			password, err := readPassword(e)
			if err != nil {
				return err
			}
			hash, err := console.Hash(password, rand.Reader)
			if err != nil {
				return misuse{err}
			}
			_, err = fmt.Fprintln(e.out, hash)
			return err
		}
	},
}

// readPassword asks for it twice at a terminal, and shows nothing of it. Anywhere else it is
// the first line.
func readPassword(e environment) (string, error) {
	terminal, ok := e.in.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(e.in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	first, err := askHidden(e, terminal, "Password: ")
	if err != nil {
		return "", err
	}
	again, err := askHidden(e, terminal, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", misused("the two are not the same")
	}
	return first, nil
}

func askHidden(e environment, terminal *os.File, prompt string) (string, error) {
	fmt.Fprint(e.err, prompt)
	typed, err := term.ReadPassword(int(terminal.Fd()))
	fmt.Fprintln(e.err)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(typed), nil
}
