package report

import (
	"cmp"
	"io"
	"slices"

	"popscope"
	"popscope/pop3parse/fingerprint"
)

// softwareText writes what both sides seem to run, "" if neither is known.
func softwareText(r *popscope.Result) string {
	text := ""
	for _, side := range []struct {
		name string
		s    *fingerprint.Software
	}{{"server ", r.ServerSoftware}, {"client ", r.ClientSoftware}} {
		if side.s == nil {
			continue
		}
		if text != "" {
			text += "; "
		}
		text += side.name + nameAndVersion(side.s)
		if side.s.Sure != fingerprint.High {
			text += ", perhaps"
		}
	}
	return text
}

func nameAndVersion(s *fingerprint.Software) string {
	if s.Version == "" {
		return Inert(s.Name)
	}
	return Inert(s.Name + " " + s.Version)
}

// softwareKey is what sessions share that count in one line.
type softwareKey struct {
	side, address, software string
	sure                    fingerprint.Sure
}

// maxSoftware bounds the lines that are kept of the table of software.
const maxSoftware = 10_000

// addSoftware counts what the two sides of a session seem to run. Clients
// are counted together: there are many of them.
func (t *table) addSoftware(r *popscope.Result) {
	add := func(side, address string, s *fingerprint.Software) {
		if s == nil {
			return
		}
		k := softwareKey{side, address, nameAndVersion(s), s.Sure}
		if _, known := t.software[k]; !known && len(t.software) == maxSoftware {
			t.softwareNo++
			return
		}
		t.software[k]++
	}
	add("server", r.Conn.Server.String(), r.ServerSoftware)
	add("client", "", r.ClientSoftware)
}

// writeSoftware writes, with Options.Verbose, what servers and clients seem
// to run.
func (t *table) writeSoftware(w io.Writer) error {
	if !t.opt.Verbose {
		return nil
	}
	g := &grid{columns: []column{
		{title: "Side"},
		{title: "Address", wire: true, brief: []string{}, soft: 16, hard: 10},
		{title: "Software", wire: true, soft: 16, hard: 10},
		{title: "Sure", drop: 1},
		{title: "Sessions", right: true},
	}}
	keys := make([]softwareKey, 0, len(t.software))
	for k := range t.software {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b softwareKey) int {
		return cmp.Or(-cmp.Compare(a.side, b.side), cmp.Compare(a.address, b.address), cmp.Compare(a.software, b.software), cmp.Compare(a.sure, b.sure))
	})
	for _, k := range keys {
		address := k.address
		if address == "" {
			address = "-"
		}
		g.columns[1].brief = append(g.columns[1].brief, withoutPort(address))
		g.add(k.side, address, k.software, k.sure.String(), commas(t.software[k]))
	}
	note := ""
	if t.softwareNo > 0 {
		note = count(t.softwareNo, "more session") + " with other software"
	}
	return t.section(w, "Software", g, note)
}
