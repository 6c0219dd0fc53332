// Command panels writes the queries of a dashboard as a file of rules, so that promtool can
// say whether they are right: Grafana says it only to who looks at the panel.
//
// It knows the form in which Grafana keeps dashboards, and nothing of what is measured.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// dashboard is what we read of one.
type dashboard struct {
	Panels []panel `json:"panels"`
}

type panel struct {
	Title   string `json:"title"`
	Targets []struct {
		Expression string `json:"expr"`
	} `json:"targets"`
}

// variables stand for what Grafana puts in.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$merchant", "shop", "$instance", "a:8081")

type rule struct {
	Record     string `yaml:"record"`
	Expression string `yaml:"expr"`
}

type group struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

func main() {
	if err := write(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "panels:", err)
		os.Exit(1)
	}
}

func write(in io.Reader, out io.Writer) error {
	var d dashboard
	if err := json.NewDecoder(in).Decode(&d); err != nil {
		return fmt.Errorf("read dashboard: %w", err)
	}
	all := group{Name: "panels"}
	for i, p := range d.Panels {
		for n, target := range p.Targets {
			all.Rules = append(all.Rules, rule{fmt.Sprintf("panel:%d:%d", i, n), variables.Replace(target.Expression)})
		}
	}
	if len(all.Rules) == 0 {
		return fmt.Errorf("there is no query in %d panels", len(d.Panels))
	}
	return yaml.NewEncoder(out).Encode(map[string][]group{"groups": {all}})
}
