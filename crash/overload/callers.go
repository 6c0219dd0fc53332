package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// callersVariable makes this program the callers of one flood and nothing else: thousands of
// them beside the NATS server in one process would keep it from answering.
const callersVariable = "SETTLED_OVERLOAD_CALLERS"

// call is what the callers are told on their standard input.
type call struct {
	Flood flood
	Door  string
	Old   map[string][]notify // of each merchant, what WeChat has sent
	First int64               // number of an order
}

// pour lets the flood come, from a process of its own, and returns what each party heard.
func (c call) pour(ctx context.Context) ([]answers, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	command := exec.CommandContext(ctx, program) //nolint:gosec // itself
	command.Env = append(os.Environ(), callersVariable+"=1")
	command.Stdin, command.Stderr = bytes.NewReader(written(c)), os.Stderr
	said, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("flood of %s: %w", c.Flood.Name, err)
	}
	var heard []answers
	if err := json.Unmarshal(said, &heard); err != nil {
		return nil, fmt.Errorf("flood of %s: %w", c.Flood.Name, err)
	}
	return heard, nil
}

// beCallers is the process that pour starts.
func beCallers(ctx context.Context, in io.Reader, out io.Writer) error {
	var c call
	if err := json.NewDecoder(in).Decode(&c); err != nil {
		return fmt.Errorf("read the call: %w", err)
	}
	_, err := out.Write(written(c.callAll(ctx)))
	return err
}
