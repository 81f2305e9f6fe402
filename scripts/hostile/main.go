// Hostile makes captures that are meant to hurt, and shows that popscope
// bears them: it ends as it should, within its memory, and tells the truth.
//
//	go run ./scripts/hostile                        # all kinds, in full size
//	go run ./scripts/hostile -kinds holes,capa -scale 0.1
//	go run ./scripts/hostile -write holes -o FILE   # one of them, to look at
//
// Each kind goes through analyze as JSON Lines and as a table, through audit
// and through extract, each time in a process of its own that is fed through
// a pipe. On Linux the kernel refuses it more private memory than -limit
// says, and its resident memory is measured too. A table on standard output
// tells what each run took and what was counted; the exit status is 1 when a
// promise was broken.
//
// What is sent is made as it is sent: nothing large is kept, here or on disk,
// but for what extract writes to a temporary folder.
//
// A new kind is a row in kinds (kind.go).
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if err := hostile(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

func hostile(args []string) error {
	f := flag.NewFlagSet("hostile", flag.ContinueOnError)
	names := f.String("kinds", "", "`LIST` of kinds to run; all without it: "+kindNames())
	scale := f.Float64("scale", 1, "`factor` to the size of each capture")
	limit := f.Int64("limit", 512, "`MiB` of memory that popscope may take")
	patient := f.Duration("time", 10*time.Minute, "how long one run may take")
	program := f.String("popscope", "", "`PROGRAM` to run; built without it")
	write := f.String("write", "", "write the capture of one `KIND`, and run nothing")
	output := f.String("o", "", "`FILE` for -write")
	if err := f.Parse(args); err != nil {
		return err
	}
	size := func(k *kind) int { return max(int(float64(k.full)**scale), 1) }
	if *write != "" {
		return writeOne(*write, *output, size)
	}
	ks, err := find(*names)
	if err != nil {
		return err
	}
	r := runner{program: *program, limit: *limit << 20, patient: *patient}
	if r.program == "" {
		dir, err := os.MkdirTemp("", "hostile-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if r.program, err = build(dir); err != nil {
			return err
		}
	}
	broken, err := r.matrix(os.Stdout, ks, size)
	if err == nil && broken > 0 {
		err = fmt.Errorf("%d promises broken", broken)
	}
	return err
}

func kindNames() string {
	var names []string
	for i := range kinds {
		names = append(names, kinds[i].name)
	}
	return strings.Join(names, ", ")
}

// build builds the program into a folder.
func build(dir string) (string, error) {
	name := filepath.Join(dir, "popscope")
	cmd := exec.Command("go", "build", "-o", name, "popscope/cmd/popscope")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return name, nil
}

// writeOne writes the capture of one kind.
func writeOne(name, output string, size func(*kind) int) error {
	ks, err := find(name)
	if err != nil {
		return err
	}
	if output == "" || len(ks) != 1 {
		return errors.New("usage: hostile -write KIND -o FILE")
	}
	file, err := os.Create(output)
	if err != nil {
		return err
	}
	buf := bufio.NewWriterSize(file, 1<<20)
	return errors.Join(ks[0].write(buf, size(&ks[0])), buf.Flush(), file.Close())
}
