package sasl

import (
	"bytes"
	"strings"
	"testing"
)

func TestChallenge(t *testing.T) {
	for _, tt := range []struct{ name, greeting, want string }{
		{"RFC 1939 section 7", "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>", "<1896.697170952@dbc.mtview.ca.us>"},
		{"line end", "+OK ready <1.2@example.org>\r\n", "<1.2@example.org>"},
		{"in front", "<1.2@example.org> ready", "<1.2@example.org>"},
		{"in other brackets", "+OK ready (<1.2@example.org>).", "<1.2@example.org>"},
		{"the last one", "+OK <1.2@example.org> <3.4@example.org>", "<3.4@example.org>"},
		{"the well shaped one", "+OK <1.2@example.org> <a b@c>", "<1.2@example.org>"},
		{"a bracket before", "+OK < ready <1.2@example.org>", "<1.2@example.org>"},
		{"a bracket after", "+OK <1.2@example.org> < ready", "<1.2@example.org>"},
		{"not well shaped", "+OK <\xd8\x13 x\x01@b>", "<\xd8\x13 x\x01@b>"},
		{"Cyrus session", "+OK ready SESSIONID=<cyrus-1-2-3@example.org>", ""},
		{"Cyrus session after it", "+OK ready <1.2@example.org> SESSIONID=<cyrus-1-2-3@example.org>", "<1.2@example.org>"},
		{"Exchange", "+OK The Microsoft Exchange POP3 service is ready. [TABOADUAUABSADAANgAwADEA]", ""},
		{"no at sign", "+OK <ready>", ""},
		{"no end", "+OK <1.2@example.org", ""},
		{"over a line end", "+OK <1.2@\r\nexample.org>", ""},
		{"empty", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Challenge([]byte(tt.greeting))
			if string(got) != tt.want || (got == nil) != (tt.want == "") {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestMsgID(t *testing.T) {
	for _, tt := range []struct {
		id   string
		want bool
	}{
		{"<1896.697170952@dbc.mtview.ca.us>", true},
		{"<a@b>", true},
		{`<"a@b"@example.org>`, true},
		{`<"a\"b".c@example.org>`, true},
		{"<a@[192.0.2.1]>", true},
		{"<a+b=c/d!e#f$g%h&'*-?^_`{|}~@example.org>", true},
		{"<a@b", false},
		{"a@b>", false},
		{"<>", false},
		{"<", false},
		{"", false},
		{"<@>", false},
		{"<a@>", false},
		{"<@b>", false},
		{"<a@b@c>", false},
		{"<a..b@c>", false},
		{"<a.@c>", false},
		{"<a@b.>", false},
		{"<a b@c>", false},
		{"<a@b c>", false},
		{"<a@b>>", false},
		{"<<a@b>", false},
		{"<a\x00@b>", false},
		{"<\xff@b>", false},
		{"<a@b\x7f>", false},
		{`<"a@b>`, false},
		{`<"a b"@c>`, false},
		{`<"a\`, false},
		{`<"\ "@c>`, false},
		{"<a@[1>", false},
		{"<a@[[1]>", false},
		{"<a,b@c>", false},
	} {
		if got := MsgID([]byte(tt.id)); got != tt.want {
			t.Errorf("MsgID(%q) = %v", tt.id, got)
		}
	}
}

func FuzzChallenge(f *testing.F) {
	for _, seed := range []string{
		"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>", "+OK <a@b> <c@d> SESSIONID=<e@f>",
		"<<@>>", `<"a\"b"@[1]>`, "<\xff@\x00>", strings.Repeat("<@", 50) + ">",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, greeting []byte) {
		before := bytes.Clone(greeting)
		got := Challenge(greeting)
		if !bytes.Equal(before, greeting) {
			t.Fatal("the greeting was changed")
		}
		if got == nil {
			return
		}
		if !bytes.Contains(greeting, got) || got[0] != '<' || got[len(got)-1] != '>' || !bytes.Contains(got, []byte("@")) {
			t.Fatalf("%q is no timestamp of %q", got, greeting)
		}
		if bytes.ContainsAny(got[1:len(got)-1], "<>\r\n") {
			t.Fatalf("%q reaches too far", got)
		}
		if again := Challenge(got); !bytes.Equal(again, got) {
			t.Fatalf("%q is found as %q", got, again)
		}
		// A timestamp that is well shaped is not passed over for another one.
		if !MsgID(got) && MsgID(Challenge(append(before, " <a@b>"...))) == false {
			t.Fatalf("a msg-id after %q is not found", greeting)
		}
	})
}
