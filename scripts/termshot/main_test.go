package main

import (
	"encoding/xml"
	"io"
	"reflect"
	"strings"
	"testing"
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
