package pop3parse

import (
	"strings"
	"testing"
)

func TestParseStatus(t *testing.T) {
	for _, tt := range []struct {
		line string
		ind  indicator
		text string
	}{
		{"+OK", isOK, ""},
		{"+OK ", isOK, ""},
		{"+OK  two spaces", isOK, " two spaces"},
		{"+OK\ttab", isOK, "\ttab"},
		{"+Ok ready", isOK, "ready"},
		{"-ERR no", isErr, "no"},
		{"-ERR", isErr, ""},
		{"+OK-x", isOK, "-x"},
		{"+OK[AUTH]", isOK, "[AUTH]"},
		{"+OK:/{", isOK, ":/{"},
		{"+OK{", isOK, "{"},
		{"+OK@", isOK, "@"},
		{"+OKa", noIndicator, ""},
		{"+OKz", noIndicator, ""},
		{"+OKZ", noIndicator, ""},
		{"+OK0", noIndicator, ""},
		{"+OK9", noIndicator, ""},
		{"+O", noIndicator, ""},
		{"-ER", noIndicator, ""},
		{"+OKAY", noIndicator, ""},
		{"-ERROR", noIndicator, ""},
		{"+", isMore, ""},
		{"+ ", isMore, ""},
		{"+ abc", isMore, "abc"},
		{"+abc", noIndicator, ""},
		{"", noIndicator, ""},
		{" +OK", noIndicator, ""},
	} {
		if ind, text := parseStatus([]byte(tt.line)); ind != tt.ind || string(text) != tt.text {
			t.Errorf("%q: got %d %q, want %d %q", tt.line, ind, text, tt.ind, tt.text)
		}
	}
}

// TestMayBeStatus: the beginning of a line can become a status line exactly
// where one begins like it.
func TestMayBeStatus(t *testing.T) {
	for b, want := range map[string]bool{
		"": true, "+": true, "+O": true, "+OK": true, "+ok": true, "+OK ": true, "+OK x": true, "-": true, "-ER": true, "-ERR": true, "-ERR ": true,
		"+OKA": false, "+OK1": false, "-ERRO": false, "+ ": false, "-OK": false, "+ERR": false, "x": false, ".": false,
	} {
		if got := mayBeStatus([]byte(b)); got != want {
			t.Errorf("%q: got %v, want %v", b, got, want)
		}
	}
}

func TestTwoNumbers(t *testing.T) {
	for text, want := range map[string][2]int64{
		"2 320": {2, 320}, " 2  320": {2, 320}, "2 320 octets": {2, 320}, "0 0": {}, "10 2": {10, 2}, "2 10": {2, 10},
	} {
		if n, m, ok := twoNumbers([]byte(text)); n != want[0] || m != want[1] || !ok {
			t.Errorf("%q: got %d, %d, %v, want %d", text, n, m, ok, want)
		}
	}
	for _, text := range []string{"", "2", "2 ", "2 x", "x 2", "-1 2", "1 -2", "2,320", "99999999999999999999 1", "1 99999999999999999999"} {
		if n, m, ok := twoNumbers([]byte(text)); ok {
			t.Errorf("%q: got %d, %d", text, n, m)
		}
	}
}

func TestMessageNumber(t *testing.T) {
	for args, want := range map[string]int{
		"1": 1, "12 0": 12, "  3": 3, "9": 9,
		"": 0, " ": 0, "-1": 0, "x": 0, "1x": 0, ":": 0, "0": 0, "99999999999999999999": 0,
	} {
		if got := messageNumber([]byte(args)); got != want {
			t.Errorf("%q: got %d, want %d", args, got, want)
		}
	}
}

func TestRFC2449Section8(t *testing.T) {
	for text, want := range map[string]string{
		"[IN-USE] Do you have another POP session running?": "IN-USE",
		"[SYS/TEMP] try later":                              "SYS/TEMP",
		"[AUTH]":                                            "AUTH",
		"[A]":                                               "A",
		"xA] not at the start":                              "",
		"[ A]":                                              "",
		"[A[B]":                                             "",
		"[A\x7f]":                                           "",
		"[A\n]":                                             "",
		"[" + strings.Repeat("A", maxCode-1) + "]": strings.Repeat("A", maxCode-1),
		"[" + strings.Repeat("A", maxCode) + "]":   "",
		"[] empty":                                 "",
		"[not closed":                              "",
		"[two words] x":                            "",
		"no [CODE] in the middle":                  "",
		"":                                         "",
	} {
		if got := responseCode([]byte(text)); string(got) != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestAnnouncedOctets(t *testing.T) {
	for text, want := range map[string]int64{
		"120 octets":                       120,
		"120 octets follow.":               120,
		"message follows (120 octets)":     120,
		"120 bytes":                        120,
		"120":                              120,
		"Message follows":                  -1,
		"":                                 -1,
		"2 messages (320 octets)":          320,
		"120\toctets":                      120,
		"octets: 120 octets":               120,
		"2 messages, octets unknown":       -1,
		"-5":                               -1,
		"1 120":                            -1,
		"-5 octets":                        -1,
		"99999999999999999999 octets":      -1,
		"message 1 of 2, 120 octets, sent": 120,
	} {
		if got := announcedOctets([]byte(text)); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestMultiLineTable(t *testing.T) {
	for _, tt := range []struct {
		verb Verb
		args string
		want multiRule
	}{
		{RETR, "1", multi}, {TOP, "1 0", multi}, {CAPA, "", multi},
		{LIST, "", multi}, {LIST, " ", multi}, {LIST, "1", lookAhead}, {UIDL, "", multi}, {UIDL, "1", lookAhead},
		{AUTH, "", multi}, {AUTH, "PLAIN", single}, {LANG, "", multi}, {LANG, "de", single},
		{XTND, "XLST Subject", multi}, {XTND, "XMIT", single}, {XTND, "BBOARDS", lookAhead},
		{STAT, "", single}, {QUIT, "", single}, {STLS, "", single}, {UTF8, "", single}, {LAST, "", single},
		{"XFOO", "", lookAhead},
	} {
		if got := specOf(tt.verb).ruleFor([]byte(tt.args)); got != tt.want {
			t.Errorf("%s %q: got %d, want %d", tt.verb, tt.args, got, tt.want)
		}
	}
}
