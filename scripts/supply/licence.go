package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// free are the licences under which code may be in the program: they ask
// for no more than their text and the names of the authors.
var free = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", publicDomain, "MIT"}

// publicDomain is no licence of the SPDX list, which leaves such a name to us.
const publicDomain = "LicenseRef-Public-Domain"

// phrases tell licences apart. All phrases of a row must be in the text, in
// lower case with single spaces, and none of those in without.
var phrases = []struct {
	id      string // of the SPDX list
	all     []string
	without []string
}{
	{id: "AGPL", all: []string{"gnu affero general public license"}},
	{id: "Apache-2.0", all: []string{"apache license", "version 2.0"}},
	{id: "BSD-2-Clause", all: []string{"redistribution and use in source and binary forms"}, without: []string{"endorse or promote"}},
	{id: "BSD-3-Clause", all: []string{"redistribution and use in source and binary forms", "endorse or promote"}},
	{id: "BUSL", all: []string{"business source license"}},
	{id: "CC", all: []string{"creative commons"}},
	{id: "EPL", all: []string{"eclipse public license"}},
	{id: "GPL", all: []string{"gnu general public license"}},
	{id: "ISC", all: []string{"permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"}},
	{id: publicDomain, all: []string{"put into the public domain", "you can do whatever you want"}},
	{id: "LGPL", all: []string{"gnu lesser general public license"}},
	{id: "MIT", all: []string{"permission is hereby granted, free of charge, to any person obtaining a copy", "without restriction"}},
	{id: "MPL", all: []string{"mozilla public license"}},
	{id: "SSPL", all: []string{"server side public license"}},
	{id: "Commons-Clause", all: []string{"commons clause"}},
}

var identifier = regexp.MustCompile(`SPDX-License-Identifier: *([^*\r\n]*[^*\s])`)

// expression returns the SPDX expression for all texts of a module together,
// empty if they say nothing that is known. A text that names its licence by
// identifier is believed.
func expression(texts []text) string {
	found := map[string]bool{}
	for _, t := range texts {
		if m := identifier.FindSubmatch(t.content); m != nil {
			found[string(m[1])] = true
			continue
		}
		plain := strings.ToLower(strings.Join(strings.Fields(string(t.content)), " "))
		for _, row := range phrases {
			in := func(phrase string) bool { return strings.Contains(plain, phrase) }
			if !slices.ContainsFunc(row.all, func(p string) bool { return !in(p) }) && !slices.ContainsFunc(row.without, in) {
				found[row.id] = true
			}
		}
	}
	var ids []string
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return strings.Join(ids, " AND ")
}

// allowed returns an error that names every module whose licence is not
// free: each part of its expression must offer one that is.
func allowed(modules []module) error {
	var bad []error
	for _, m := range modules {
		for part := range strings.SplitSeq(m.licence, " AND ") {
			if !slices.ContainsFunc(strings.Split(part, " OR "), func(id string) bool { return slices.Contains(free, id) }) {
				bad = append(bad, fmt.Errorf("%s %s: licence %q is not one of %s", m.path, m.version, m.licence, strings.Join(free, ", ")))
				break
			}
		}
	}
	return errors.Join(bad...)
}
