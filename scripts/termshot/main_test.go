package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/report"
)

func TestRuns(t *testing.T) {
	for _, c := range []struct {
		line  string
		want  []run
		width int
	}{
		{"", nil, 0},
		{"a  bc", []run{{0, "", "a"}, {3, "", "bc"}}, 5},
		{"\x1b[32mok\x1b[0m, \x1b[31mfailed\x1b[0m", []run{{0, "g", "ok"}, {2, "", ","}, {4, "r", "failed"}}, 10},
		{"会議 x", []run{{0, "", "会"}, {2, "", "議"}, {5, "", "x"}}, 6},
	} {
		got, width := runs(c.line)
		if !reflect.DeepEqual(got, c.want) || width != c.width {
			t.Errorf("%q:\n got %v, %d\nwant %v, %d", c.line, got, width, c.want, c.width)
		}
	}
}

func TestPictureIsXML(t *testing.T) {
	var out strings.Builder
	picture(&out, "popscope <x> & \"y\"", "\x1b[1mUser\x1b[0m\n<script>alert(1)</script>\n\ntab & co\n")
	d := xml.NewDecoder(strings.NewReader(out.String()))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, out.String())
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
			t.Error("text became an element")
		}
	}
}

// TestPicturesAreUpToDate makes the pictures of terminals that
// scripts/screenshots.sh makes, and compares them with those in docs.
func TestPicturesAreUpToDate(t *testing.T) {
	script, err := os.ReadFile("../screenshots.sh")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../../testdata/pcap")
	made := 0
	for line := range strings.Lines(string(script)) {
		name, args, is := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "shot "), " analyze ")
		if !is || !strings.HasPrefix(line, "shot ") {
			continue
		}
		made++
		var got bytes.Buffer
		picture(&got, "popscope analyze "+args, terminal(t, strings.Fields(args)))
		want, err := os.ReadFile("../../docs/" + name + ".svg")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("docs/%s.svg is not what popscope analyze %s shows: run make screenshots", name, args)
		}
	}
	if made != 2 {
		t.Errorf("scripts/screenshots.sh makes %d pictures of terminals, want 2", made)
	}
}

// terminal returns what analyze shows on a terminal of 120 columns.
func terminal(t *testing.T, args []string) string {
	t.Helper()
	format := "table"
	if args[0] == "-f" {
		format, args = args[1], args[2:]
	}
	src, err := capture.Open(args...)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var out strings.Builder
	o := report.Options{Color: true, Width: 120}
	w, err := report.New(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{KeepBody: report.KeepBody(format, o)})
	for r, err := range a.Results(src) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(a.Summary()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
