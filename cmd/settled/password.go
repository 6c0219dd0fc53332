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
		return func(ctx context.Context, e environment, words []string) error {
			if len(words) > 0 {
				return misused("a password is never given as an argument, where others can read it: it is asked for, or read from standard input")
			}
			password, err := readPassword(ctx, e)
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
func readPassword(ctx context.Context, e environment) (string, error) {
	terminal, ok := e.in.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(e.in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	first, err := askHidden(ctx, e, terminal, "Password: ")
	if err != nil {
		return "", err
	}
	again, err := askHidden(ctx, e, terminal, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", misused("the two are not the same")
	}
	return first, nil
}

// askHidden reads a line that is not shown. Whoever stops it gets their terminal back as it
// was.
func askHidden(ctx context.Context, e environment, terminal *os.File, prompt string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("look at the terminal: %w", err)
	}
	type line struct {
		typed []byte
		err   error
	}
	read := make(chan line, 1)
	fmt.Fprint(e.err, prompt)
	go func() {
		typed, err := term.ReadPassword(fd)
		read <- line{typed, err}
	}()
	select {
	case l := <-read:
		fmt.Fprintln(e.err)
		if l.err != nil {
			return "", fmt.Errorf("read the password: %w", l.err)
		}
		return string(l.typed), nil
	case <-ctx.Done():
		fmt.Fprintln(e.err)
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}
