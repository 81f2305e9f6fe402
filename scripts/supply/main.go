// Command supply tells what other people's code is in the program and under
// which licences.
//
//	go run ./scripts/supply list                    the table of docs/dependencies.md
//	go run ./scripts/supply texts                   the texts of the licences
//	go run ./scripts/supply sbom -version V BINARY  a bill of materials, CycloneDX JSON
//
// Everything comes from the build itself: the packages that are compiled for
// each system, the licence files beside them, and the modules recorded in
// BINARY. Each command fails where a licence is not one of those allowed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "supply: %v\n", err)
		os.Exit(2)
	}
}

// run runs one command and writes its result to w.
func run(args []string, w io.Writer) error {
	if len(args) == 0 {
		return errors.New("which of list, texts and sbom?")
	}
	modules, err := linked(systems)
	if err != nil {
		return err
	}
	if err := allowed(modules); err != nil {
		return err
	}
	switch args[0] {
	case "list":
		return writeList(w, modules)
	case "texts":
		return writeTexts(w, modules)
	case "sbom":
		flags := flag.NewFlagSet("sbom", flag.ContinueOnError)
		version := flags.String("version", "", "the version of the program")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if flags.NArg() != 1 || *version == "" {
			return errors.New("sbom takes -version V and one program")
		}
		return writeBill(w, flags.Arg(0), *version, modules)
	default:
		return fmt.Errorf("unknown command %q", args[0])
	}
}
