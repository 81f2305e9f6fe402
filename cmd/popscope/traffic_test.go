package main

import (
	"slices"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("two hours east", 7200)
	for _, c := range []struct{ in, want string }{
		{"2026-01-02T15:04:05Z", "2026-01-02T15:04:05Z"},
		{"2026-01-02T15:04:05.5-05:00", "2026-01-02T20:04:05.5Z"},
		{"2026-01-02T15:04:05", "2026-01-02T13:04:05Z"},
		{"2026-01-02 15:04:05.25", "2026-01-02T13:04:05.25Z"},
		{"2026-01-02T15:04", "2026-01-02T13:04:00Z"},
		{"2026-01-02 15:04", "2026-01-02T13:04:00Z"},
		{"2026-01-02", "2026-01-01T22:00:00Z"},
		{"0", "1970-01-01T00:00:00Z"},
		{"1767366245", "2026-01-02T15:04:05Z"},
		{"1767366245.123456789", "2026-01-02T15:04:05.123456789Z"},
		{"1767366245.5", "2026-01-02T15:04:05.5Z"},
		{"1767366245.", "2026-01-02T15:04:05Z"},
		{"", "error"}, {"yesterday", "error"}, {"2026-13-01", "error"}, {"1767366245.1234567890", "error"}, {"-1", "error"},
		{"1.-5", "error"}, {"1.+5", "error"}, {"1e9", "error"}, {"99999999999999", "error"}, {"1.5.5", "error"},
	} {
		got, err := parseTime(c.in, zone)
		text := got.UTC().Format(time.RFC3339Nano)
		if err != nil {
			text = "error"
		}
		if text != c.want {
			t.Errorf("%q: got %s (%v), want %s", c.in, text, err, c.want)
		}
	}
}

func TestParsePorts(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []uint16
	}{
		{"110", []uint16{110}},
		{"995,110", []uint16{110, 995}},
		{"110, 995, 110", []uint16{110, 995}},
		{"8110-8112,110", []uint16{110, 8110, 8111, 8112}},
		{"65535-65535", []uint16{65535}},
		{"", nil}, {",", nil}, {"0", nil}, {"65536", nil}, {"112-110", nil}, {"110-", nil}, {"-110", nil}, {"pop3", nil}, {"1-2-3", nil}, {"+1", nil},
	} {
		got, err := parsePorts(c.in)
		if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("%q: got %v (%v), want %v", c.in, got, err, c.want)
		}
	}
	all, err := parsePorts("1-65535")
	if err != nil || len(all) != 65535 {
		t.Errorf("all ports: %d of them, %v", len(all), err)
	}
}

func FuzzParsePorts(f *testing.F) {
	for _, s := range []string{"110,995", "1-65535", "0-0", "2-1", " 5 "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ports, err := parsePorts(s)
		if err != nil {
			return
		}
		if len(ports) == 0 || !slices.IsSorted(ports) || len(slices.Compact(slices.Clone(ports))) != len(ports) || ports[0] == 0 {
			t.Errorf("%q: got %v", s, ports)
		}
		again, err := parsePorts(portList(ports))
		if err != nil || !slices.Equal(again, ports) {
			t.Errorf("%q: got %v, then %v", s, ports, again)
		}
	})
}
