package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain runs the tests where the commands run.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestListIsThatOfTheBuild holds docs/dependencies.md to the build, and the
// licences to those allowed. make dependencies writes it anew.
func TestListIsThatOfTheBuild(t *testing.T) {
	want, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := run([]string{"list"}, &got); err != nil {
		t.Fatal(err)
	}
	if got.String() != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("docs/dependencies.md is not what is built; make dependencies gives:\n%s", got.Bytes())
	}
}

func TestLicences(t *testing.T) {
	const (
		mit  = "Permission is hereby granted, free of charge, to any\n  person obtaining a copy of this software, to deal in it without restriction."
		bsd2 = "Redistribution and use in source and\nbinary forms, with or without modification, are permitted."
		bsd3 = bsd2 + " The names of the authors may not be used to endorse or promote products."
		gpl  = "GNU GENERAL PUBLIC LICENSE\nVersion 3"
	)
	for _, row := range []struct {
		name  string
		texts []string
		want  string
		free  bool
	}{
		{"one", []string{mit}, "MIT", true},
		{"two clauses", []string{bsd2}, "BSD-2-Clause", true},
		{"three clauses", []string{bsd3}, "BSD-3-Clause", true},
		{"two in one file", []string{bsd3 + "\n\n" + mit}, "BSD-3-Clause AND MIT", true},
		{"two files", []string{mit, "Apache License\nVersion 2.0, January 2004"}, "Apache-2.0 AND MIT", true},
		{"a choice", []string{"/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */\n" + gpl}, "BSD-3-Clause OR GPL-2.0-only", true},
		{"no choice", []string{"// SPDX-License-Identifier: GPL-2.0-only"}, "GPL-2.0-only", false},
		{"one of two is not free", []string{mit, gpl}, "GPL AND MIT", false},
		{"nobody's", []string{"All files have been put into\nthe public domain. You can do whatever you want with them."}, "LicenseRef-Public-Domain", true},
		{"a clause more", []string{"Commons Clause. " + mit}, "Commons-Clause AND MIT", false},
		{"unknown", []string{"All rights reserved."}, "", false},
		{"none", nil, "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var texts []text
			for _, s := range row.texts {
				texts = append(texts, text{"LICENSE", []byte(s)})
			}
			m := module{path: "example.org/mail", version: "v1.0.0", licence: expression(texts)}
			if m.licence != row.want {
				t.Errorf("licence\n got %q\nwant %q", m.licence, row.want)
			}
			err := allowed([]module{m})
			if (err == nil) != row.free {
				t.Errorf("allowed: %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), "example.org/mail v1.0.0") {
				t.Errorf("the error does not name the module: %v", err)
			}
		})
	}
}

// TestTextsHoldEveryModule looks for each module and a text of its licence.
func TestTextsHoldEveryModule(t *testing.T) {
	modules, err := linked(systems)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := writeTexts(&b, modules); err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		if !strings.Contains(b.String(), "\n"+m.path+" "+m.version+", ") {
			t.Errorf("no text of %s", m.path)
		}
	}
}

// TestBill holds the bill of a program to the modules recorded in it.
func TestBill(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "popscope")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, program)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := run([]string{"sbom", "-version", "1.2.3", binary}, b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two bills of one program differ")
	}
	var got bill
	dec := json.NewDecoder(&first)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	names := map[string]component{}
	for _, c := range got.Components {
		names[c.Name] = c
		if c.Version == "" || c.PURL == "" || c.Licences[0].Expression == "" {
			t.Errorf("incomplete: %+v", c)
		}
		if !slices.Contains(got.Dependencies[0].DependsOn, c.Ref) {
			t.Errorf("nothing depends on %s", c.Ref)
		}
	}
	modules, err := linked([]string{"linux"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Components) != len(modules)+1 {
		t.Errorf("%d components for %d modules and the standard library", len(got.Components), len(modules))
	}
	for _, m := range modules {
		if names[m.path].Version != m.version {
			t.Errorf("%s: %q in the bill, %q in the build", m.path, names[m.path].Version, m.version)
		}
	}
	if err := run([]string{"sbom", "-version", "1.2.3", os.Args[0]}, &second); err == nil {
		t.Error("a bill of another program was written")
	}
}
