package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
)

// The parts of CycloneDX 1.5 that are used. There is no time and no serial
// number in it, so that a program always has the same bill.
type (
	bill struct {
		Format       string       `json:"bomFormat"`
		SpecVersion  string       `json:"specVersion"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependsOn  `json:"dependencies"`
		Compositions []completion `json:"compositions"`
	}
	metadata struct {
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Licences   []licence  `json:"licenses"`
		PURL       string     `json:"purl,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	licence struct {
		Expression string `json:"expression"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependsOn struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn"`
	}
	completion struct {
		Aggregate    string   `json:"aggregate"`
		Dependencies []string `json:"dependencies"`
	}
)

// writeBill writes the bill of materials of a built program: the modules
// recorded in it, with the licences that modules says they have.
func writeBill(w io.Writer, binary, version string, modules []module) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	if info.Path != "popscope/cmd/popscope" {
		return fmt.Errorf("%s: %s is another program", binary, info.Path)
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	const self = "popscope"
	digest := sha256.Sum256(content)
	b := bill{
		Format:      "CycloneDX",
		SpecVersion: "1.5",
		Version:     1,
		Metadata: metadata{Component: component{
			Type: "application", Ref: self, Name: self, Version: version,
			Hashes:     []hash{{"SHA-256", hex.EncodeToString(digest[:])}},
			Licences:   []licence{{"Apache-2.0"}},
			Properties: settings(info),
		}},
		Compositions: []completion{{Aggregate: "complete", Dependencies: []string{self}}},
	}
	toolchain := strings.TrimPrefix(info.GoVersion, "go")
	b.add(component{
		Type: "library", Name: "std", Version: toolchain,
		PURL: "pkg:golang/std@" + toolchain, Licences: []licence{{"BSD-3-Clause"}},
	})
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			return fmt.Errorf("%s: %s was replaced by %s", binary, dep.Path, dep.Replace.Path)
		}
		m, ok := find(modules, dep)
		if !ok {
			return fmt.Errorf("%s: %s %s is in the program, but not in this build", binary, dep.Path, dep.Version)
		}
		b.add(component{
			Type: "library", Name: dep.Path, Version: dep.Version,
			PURL: "pkg:golang/" + dep.Path + "@" + dep.Version, Licences: []licence{{m.licence}},
			Properties: []property{{"go:sum", dep.Sum}},
		})
	}
	refs := make([]string, 0, len(b.Components))
	for _, c := range b.Components {
		refs = append(refs, c.Ref)
	}
	b.Dependencies = []dependsOn{{self, refs}}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(b)
}

func (b *bill) add(c component) {
	c.Ref = c.PURL
	b.Components = append(b.Components, c)
}

// settings returns what the bytes of a program depend on beside its source.
func settings(info *buildinfo.BuildInfo) []property {
	p := []property{{"go:toolchain", info.GoVersion}}
	for _, s := range info.Settings {
		p = append(p, property{"go:" + s.Key, s.Value})
	}
	return p
}

// find returns the module that a program was built with.
func find(modules []module, dep *debug.Module) (module, bool) {
	for _, m := range modules {
		if m.path == dep.Path && m.version == dep.Version {
			return m, true
		}
	}
	return module{}, false
}
