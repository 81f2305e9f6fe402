package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"popscope/capture/live"
	"popscope/report"
)

// interfacesCommand returns `popscope interfaces`.
func (p *program) interfacesCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "interfaces",
		Short:   "List what can be sniffed",
		Example: "  popscope interfaces\n  popscope interfaces --json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			faces, err := live.Interfaces()
			if err != nil {
				return &failure{status: statusIncomplete, err: err}
			}
			if asJSON {
				return p.interfacesJSON(faces)
			}
			p.interfacesTable(faces)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

// interfacesTable writes the list for people.
func (p *program) interfacesTable(faces []live.Interface) {
	rows := [][]string{{"Name", "Index", "State", "Link type", "Sniff", "Addresses"}}
	for _, f := range faces {
		can := "yes"
		if !f.Sniff {
			can = "no: " + f.Why
		}
		rows = append(rows, []string{report.Inert(f.Name), strconv.Itoa(f.Index), f.State, f.Link, can, strings.Join(f.Addresses, " ")})
	}
	var width [6]int
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("%-*s  ", width[i], cell)
		}
		fmt.Fprintln(p.stdout, strings.TrimRight(line, " "))
	}
}

// interfacesJSON writes the list for programs.
func (p *program) interfacesJSON(faces []live.Interface) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	for _, f := range faces {
		if err := e.Encode(f); err != nil {
			return broken("standard output", err)
		}
	}
	return nil
}
