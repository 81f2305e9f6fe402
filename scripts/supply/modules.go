package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// program is the package that is built.
const program = "./cmd/popscope"

// systems are those that the program is built for. Which modules are in it
// depends on the system, not on the processor.
var systems = []string{"linux", "darwin", "windows"}

// module is a module of which at least one package is in the program.
type module struct {
	path    string
	version string
	systems []string // those of systems that it is linked on
	texts   []text   // by name
	licence string   // an SPDX expression; see expression
}

// text is a licence file of a module.
type text struct {
	name    string // below the folder of the module
	content []byte
}

// linked returns the modules in the program on any of the systems, by path.
func linked(systems []string) ([]module, error) {
	byPath := map[string]*module{}
	for _, system := range systems {
		rows, err := dependencies(system)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			m := byPath[row.module]
			if m == nil {
				m = &module{path: row.module, version: row.version}
				byPath[row.module] = m
			}
			if !slices.Contains(m.systems, system) {
				m.systems = append(m.systems, system)
			}
			if err := m.read(row.root, row.dir); err != nil {
				return nil, err
			}
		}
	}
	var modules []module
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		m := byPath[path]
		slices.SortFunc(m.texts, func(a, b text) int { return strings.Compare(a.name, b.name) })
		m.licence = expression(m.texts)
		modules = append(modules, *m)
	}
	return modules, nil
}

// dependency is a package of another module.
type dependency struct {
	module, version string
	root, dir       string // the folders of the module and of the package
}

// dependencies returns the packages of other modules that are compiled into
// the program on a system.
func dependencies(system string) ([]dependency, error) {
	const row = `{{with .Module}}{{if not .Main}}{{.Path}}|{{.Version}}|{{.Dir}}|{{$.Dir}}{{end}}{{end}}`
	cmd := exec.Command("go", "list", "-deps", "-f", row, program)
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w\n%s", system, err, complaint.Bytes())
	}
	var found []dependency
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) == 4 {
			found = append(found, dependency{f[0], f[1], f[2], f[3]})
		}
	}
	return found, nil
}

// read adds the licence files of the folder dir and those above it, up to
// that of the module.
func (m *module) read(root, dir string) error {
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.IsDir() || !isLicence(e.Name()) {
				continue
			}
			file := filepath.Join(dir, e.Name())
			name, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			name = filepath.ToSlash(name)
			if slices.ContainsFunc(m.texts, func(t text) bool { return t.name == name }) {
				continue
			}
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			m.texts = append(m.texts, text{name, content})
		}
		if dir == root {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

// isLicence tells by its name whether a file holds a licence, or a notice
// that the licence wants passed on.
func isLicence(name string) bool {
	stem, ext, _ := strings.Cut(strings.ToLower(name), ".")
	switch ext {
	case "", "txt", "md":
		return slices.Contains([]string{"license", "licence", "copying", "notice"}, stem)
	}
	return false
}

// writeList writes docs/dependencies.md.
func writeList(w io.Writer, modules []module) error {
	var b strings.Builder
	b.WriteString(`# Dependencies

The modules with code in the program, their licences, and the systems they are linked on, as ` + "`make dependencies`" + ` writes them
from the build. A test holds this page to the build and the licences to those allowed (` + "`scripts/supply`" + `). Why those that
popscope imports are there is told in ARCHITECTURE.md; they bring the others. Beside these there is the standard library of Go, under
BSD-3-Clause. Modules that only tests and tools use are in none of the programs.

| module | version | licence | systems |
| --- | --- | --- | --- |
`)
	for _, m := range modules {
		on := strings.Join(m.systems, ", ")
		if len(m.systems) == len(systems) {
			on = "all"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", m.path, m.version, m.licence, on)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeTexts writes what has to accompany copies of the program: the
// licences of all that is in it.
func writeTexts(w io.Writer, modules []module) error {
	var b bytes.Buffer
	b.WriteString("popscope contains code of the following modules, each under the licence below its name.\n")
	for _, m := range modules {
		for _, t := range m.texts {
			fmt.Fprintf(&b, "\n%s\n%s %s, %s\n\n%s\n", strings.Repeat("=", 72), m.path, m.version, t.name, bytes.TrimSpace(t.content))
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
