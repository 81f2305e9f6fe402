package pop3parse

import "testing"

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

func TestRFC2449Section8(t *testing.T) {
	for text, want := range map[string]string{
		"[IN-USE] Do you have another POP session running?": "IN-USE",
		"[SYS/TEMP] try later":                              "SYS/TEMP",
		"[AUTH]":                                            "AUTH",
		"[] empty":                                          "",
		"[not closed":                                       "",
		"[two words] x":                                     "",
		"no [CODE] in the middle":                           "",
		"":                                                  "",
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
