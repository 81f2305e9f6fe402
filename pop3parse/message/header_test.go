package message

import (
	"net/mail"
	"strings"
	"testing"
	"time"
)

// The examples of RFC 2047 section 8, with test addresses.
func TestRFC2047Section8(t *testing.T) {
	run(t, []row{
		{name: "names", mail: "From: =?US-ASCII?Q?Keith_Moore?= <moore@example.org>\nTo: =?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@example.org>\n\n", want: Mail{
			From: "Keith Moore <moore@example.org>", To: "Keld Jørn Simonsen <keld@example.org>", Parts: 1}},
		{name: "name with a plain word", mail: "To: =?ISO-8859-1?Q?Andr=E9?= Pirard <pirard@example.org>\n\n", want: Mail{To: "André Pirard <pirard@example.org>", Parts: 1}},
		{name: "subject in two charsets", mail: "Subject: =?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=\n\n", want: Mail{
			Subject: "If you can read this you understand the example.", Parts: 1}},
		{name: "two addresses", mail: "From: =?ISO-8859-1?Q?Olle_J=E4rnefors?= <o@example.org>\nTo: list@example.org, o@example.org\n\n", want: Mail{
			From: "Olle Järnefors <o@example.org>", To: "list@example.org, o@example.org", Parts: 1}},
		{name: "name in a comment", mail: "From: nsb@example.org (=?iso-8859-8?b?7eXs+SDv4SDs6Oj08A==?=)\n\n", want: Mail{From: "םולש ןב לטטפנ <nsb@example.org>", Parts: 1}},
	})
	for _, r := range []struct{ name, in, want string }{
		{"one", "(=?ISO-8859-1?Q?a?=)", "(a)"},
		{"word after", "(=?ISO-8859-1?Q?a?= b)", "(a b)"},
		{"adjacent", "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"},
		{"adjacent with two spaces", "(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"},
		{"adjacent, folded", "(=?ISO-8859-1?Q?a?=\n    =?ISO-8859-1?Q?b?=)", "(ab)"},
		{"space inside", "(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
		{"space at the beginning of the second", "(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"},
	} {
		t.Run(r.name, func(t *testing.T) {
			check(t, row{mail: "Subject: " + r.in + "\n\n", want: Mail{Subject: r.want, Parts: 1}})
		})
	}
}

func TestSubject(t *testing.T) {
	for _, r := range []struct {
		name, in, want string
		faults         []string
	}{
		{"UTF-8, character cut between words", "=?utf-8?B?5pel5pys6A==?= =?UTF-8?B?qp7jg4bjgrnjg4g=?=", "日本語テスト", nil},
		{"B and Q of one character", "=?utf-8?B?4g==?= =?utf-8?Q?=82=AC?=", "€", nil},
		{"ISO-2022-JP", "=?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?=", "日本語", nil},
		{"Shift_JIS by a Windows name", "=?cp932?B?k/qWew==?=", "日本", nil},
		{"KOI8-R", "=?KOI8-R?B?0NLJ18XU?=", "привет", nil},
		{"GBK said to be GB2312", "=?gb2312?B?1tDOxLHqzOI=?=", "中文标题", nil},
		{"Big5", "=?Big5?B?pKSk5Q==?=", "中文", nil},
		{"EUC-KR by its old name", "=?ks_c_5601-1987?B?x9Gxub7u?=", "한국어", nil},
		{"HZ", "=?hz-gb-2312?B?fntWUE5Efn0=?=", "中文", nil},
		{"UTF-16", "=?utf-16?B?/v9l5Wcs?=", "日本", nil},
		{"UTF-7", "=?UTF-7?Q?+ZeVnLA-_+-_a?=", "日本 + a", nil},
		{"UTF-7 with errors", "=?UTF-7?Q?+Z_+?=", " +", []string{"text does not fit its charset UTF-7"}},
		{"UTF-7 with 8 bit", "=?utf-7?Q?caf=E9?=", "caf\ufffd", []string{"text does not fit its charset UTF-7"}},
		{"GBK by its code page", "=?cp936?B?1tDOxA==?=", "中文", nil},
		{"ISO-2022-JP by a later version", "=?iso-2022-jp-2?B?GyRCRnxLXBsoQg==?=", "日本", nil},
		{"charset by a name that only IANA has", "=?csISOLatin9?Q?=A4?=", "€", nil},
		{"charset with a long name", "=?" + strings.Repeat("x", 65) + "?Q?a?=", "=?" + strings.Repeat("x", 65) + "?Q?a?=", nil},
		{"IBM code page", "=?cp850?Q?=82?=", "é", nil},
		{"windows-1252 said to be ISO-8859-1", "=?iso-8859-1?Q?=93a=94?=", "“a”", nil},
		{"windows charset, misspelled", "=?win-1251?Q?=C0?=", "А", nil},
		{"language (RFC 2231 section 5)", "=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore", nil},
		{"unknown charset", "=?x-mars?Q?caf=E9?=", "café", []string{`unknown charset "x-mars", read as windows-1252`}},
		{"unknown charset that is UTF-8", "=?x-mars?Q?caf=C3=A9?=", "café", []string{`unknown charset "x-mars", read as UTF-8`}},
		{"replacement charset", "=?iso-2022-kr?Q?a?=", "a", []string{`unknown charset "iso-2022-kr", read as UTF-8`}},
		{"US-ASCII that is not", "=?us-ascii?Q?caf=E9?=", "café", []string{"text said to be US-ASCII is not, and was read as windows-1252"}},
		{"UTF-8 that is not", "=?utf-8?Q?caf=E9?=", "café", []string{"text said to be UTF-8 is not, and was read as windows-1252"}},
		{"UTF-8 cut at the end", "=?utf-8?Q?caf=C3=A9=C3=A9=C3?=", "caféé\ufffd", []string{"text said to be UTF-8 is not, and was read as UTF-8 with errors"}},
		{"Big5 that is UTF-8", "=?big5?B?5pel5pys6Kqe?=", "日本語", []string{`text said to be "big5" is UTF-8`}},
		{"GBK that is nothing", "=?gbk?Q?a=FF?=", "a\ufffd", []string{`text does not fit its charset "gbk"`}},
		{"spaces inside the word", "=?utf-8?Q?a b c?= d", "a b c d", nil},
		{"question mark inside the word", "=?utf-8?Q?what??=", "what?", nil},
		{"in the middle of words", "re:=?utf-8?Q?=C3=A9?=t=?utf-8?Q?=C3=A9?=", "re:été", nil},
		{"lower case", "=?utf-8?q?=c3=a9?=", "é", nil},
		{"Q with errors", "=?utf-8?Q?a=b=4?=", "a=b=4", []string{"an encoded word with errors in its encoding"}},
		{"B with errors", "=?utf-8?B?Y*WJ.j?=", "abc", []string{"an encoded word with errors in its encoding"}},
		{"B without padding", "=?utf-8?B?YQ?=", "a", nil},
		{"B of one character", "=?utf-8?B?Y?=", "", []string{"an encoded word with errors in its encoding"}},
		{"no encoded word", "a =? b ?= c =?utf-8?X?a?= =?utf-8?Q", "a =? b ?= c =?utf-8?X?a?= =?utf-8?Q", nil},
		{"between word and no word", "=?utf-8?Q?a?= =?utf-8?Q?b?c", "a =?utf-8?Q?b?c", nil},
		{"empty charset", "=??Q?a?= =?utf-8?Q??=", "=??Q?a?= ", nil},
		{"raw UTF-8 (RFC 6532)", "日本 =?utf-8?Q?=C3=A9?=", "日本 é", nil},
		{"raw 8 bit without charset", "caf\xe9", "café", []string{"8-bit text in Subject, read as windows-1252"}},
		{"raw UTF-8 cut", "caf\xc3\xa9\xc3\xa9\xc3", "caféé\ufffd", []string{"8-bit text in Subject, read as UTF-8 with errors"}},
		{"raw ISO-2022-JP", "\x1b$BF|K\\\x1b(B", "日本", []string{"ISO-2022-JP without RFC 2047 in Subject"}},
		{"raw UTF-8 with an error", "\xc3\xa4 \xc3\xb6 \xe4", "ä ö \ufffd", []string{"8-bit text in Subject, read as UTF-8 with errors"}},
		{"raw 8 bit, of which some is UTF-8", "\xc3\xa4 \xe4 \xf6", "Ã¤ ä ö", []string{"8-bit text in Subject, read as windows-1252"}},
		{"control characters stay", "a\x1b[2J=?utf-8?Q?=0D=0Ab?=", "a\x1b[2J\r\nb", nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			check(t, row{mail: "Subject: " + r.in + "\n\n", want: Mail{Subject: strings.Trim(r.want, " "), Parts: 1, Faults: r.faults}})
		})
	}
	t.Run("raw 8 bit in the charset of the text", func(t *testing.T) {
		check(t, row{mail: "Subject: \xd6\xd0\xce\xc4\nTo: \xd6\xd0 <a@example.org>\nContent-Type: text/plain; charset=\"GBK\"\n\n", want: Mail{
			Subject: "中文", To: "中 <a@example.org>", Parts: 1, Faults: []string{`8-bit text in Subject, read as "gbk"`, `8-bit text in To, read as "gbk"`}}})
	})
	t.Run("raw 8 bit that does not fit the charset of the text", func(t *testing.T) {
		check(t, row{mail: "Subject: caf\xe9\nContent-Type: text/plain; charset=GBK\n\n", want: Mail{
			Subject: "café", Parts: 1, Faults: []string{"8-bit text in Subject, read as windows-1252"}}})
	})
	t.Run("charset of the text is no table", func(t *testing.T) {
		check(t, row{mail: "Subject: caf\xe9\nContent-Type: text/plain; charset=utf-8\n\n", want: Mail{
			Subject: "café", Parts: 1, Faults: []string{"8-bit text in Subject, read as windows-1252"}}})
	})
}

func TestAddresses(t *testing.T) {
	for _, r := range []struct {
		name, in, want string
		faults         []string
	}{
		{"name and address", "Alice Liddell <alice@example.org>", "Alice Liddell <alice@example.org>", nil},
		{"quoted name", `"Alice Liddell" <alice@example.org>`, "Alice Liddell <alice@example.org>", nil},
		{"name that needs quotes", `"Liddell, \"Alice\"" <alice@example.org>`, `"Liddell, \"Alice\"" <alice@example.org>`, nil},
		{"name that is another address", `"bank@example.com" <alice@example.org>`, `"bank@example.com" <alice@example.org>`, nil},
		{"address in brackets only", "<alice@example.org>", "alice@example.org", nil},
		{"name in a comment", "alice@example.org (Alice)", "Alice <alice@example.org>", nil},
		{"comment beside a name", "Alice (the first) <alice@example.org>", "Alice <alice@example.org>", nil},
		{"comment instead of a name", "(Alice (first)) <alice@example.org>", `"Alice (first)" <alice@example.org>`, nil},
		{"quoted local part", `"Alice Liddell"@example.org, Bob <"B . (ob)"@example.org>`, `"Alice Liddell"@example.org, Bob <"B . (ob)"@example.org>`, nil},
		{"obsolete white space", "jdoe@test  . example, Mary <mary @ (a) example . net>", "jdoe@test.example, Mary <mary@example.net>", nil}, // RFC 5322 appendix A.6.1, A.6.3
		{"comments in an address", `Pete(A nice \) chap) <pete(his account)@silly.test(his host)>`, "Pete <pete@silly.test>", nil},           // appendix A.5
		{"comments in a group", "A Group(Some people)\n     :Chris Jones <c@(Chris's host.)public.example>,\n         joe@example.org,\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
			"Chris Jones <c@public.example>, joe@example.org, John <jdoe@one.test>", nil},
		{"comments in a group without members", "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "Hidden recipients:;", nil},
		{"comment alone", "(Alice)", "Alice", nil},
		{"list", "a@example.org,, b <b@example.org> ;c@example.org,", "a@example.org, b <b@example.org>, c@example.org", nil},
		{"comma in an encoded word", "=?utf-8?Q?Liddell,_Alice?= <alice@example.org>", `"Liddell, Alice" <alice@example.org>`, nil},
		{"encoded comma", "=?utf-8?Q?Liddell=2C_Alice?= <alice@example.org>", `"Liddell, Alice" <alice@example.org>`, nil},
		{"encoded words in quotes", `"=?utf-8?Q?=C3=89?= =?utf-8?Q?va?=" <eva@example.org>`, "Éva <eva@example.org>", nil},
		{"group", "Team: a@example.org, B <b@example.org>;, c@example.org", "a@example.org, B <b@example.org>, c@example.org", nil},
		{"group without members", "undisclosed-recipients:;", "undisclosed-recipients:;", nil},
		{"group that is not closed", "undisclosed-recipients:", "undisclosed-recipients:", nil},
		{"URL", "mailto:alice@example.org", "alice@example.org", nil},
		{"route", "Alice <@a.example.org,@b.example.org:alice@example.org>", "Alice <@a.example.org,@b.example.org:alice@example.org>", nil},
		{"route that is not closed", "<@a,@b", "@a,@b", nil},
		{"bracket that is not closed", "Alice <alice@example.org, Bob <bob@example.org>", "Alice <alice@example.org>, Bob <bob@example.org>", nil},
		{"two addresses without a comma", "Alice <alice@example.org> <mallory@example.org>", "Alice <alice@example.org>, mallory@example.org", []string{"addresses without a comma between them"}},
		{"quote that is not closed", `"Alice <alice@example.org>, b@example.org`, `"\"Alice" <alice@example.org>, b@example.org`, nil},
		{"parenthesis that is not closed", "(Alice <alice@example.org>", `"(Alice" <alice@example.org>`, nil},
		{"colon in odd places", ": a@[2001:db8::1]: <x@y>:", `": a@[2001:db8::1]: :" <x@y>`, nil},
		{"name alone", "Alice", "Alice", nil},
		{"backslash at the end", `"a\`, `"a\`, nil},
		{"empty brackets", "Alice <>", "Alice", nil},
		{"8 bit", "\xc9va <eva@example.org>", "Éva <eva@example.org>", []string{"8-bit text in From, read as windows-1252"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			check(t, row{mail: "From: " + r.in + "\n\n", want: Mail{From: r.want, Parts: 1, Faults: r.faults}})
		})
	}
}

func TestMessageID(t *testing.T) {
	for _, r := range []struct{ name, in, want string }{
		{"usual", "<a@example.org>", "<a@example.org>"},
		{"with a comment", " <a@example.org> (added by x)", "<a@example.org>"},
		{"obsolete", "<1234   @   local(blah)  .machine .example>", "<1234@local.machine.example>"}, // RFC 5322 appendix A.6.3
		{"with blanks", "<a b @c>", "<a b@c>"},
		{"without brackets", "a@example.org", "a@example.org"},
		{"half a bracket", "<a@example.org", "<a@example.org"},
		{"folded before", "\n <a@example.org>", "<a@example.org>"},
	} {
		t.Run(r.name, func(t *testing.T) {
			check(t, row{mail: "Message-Id: " + r.in + "\n\n", want: Mail{MessageID: r.want, Parts: 1}})
		})
	}
}

// The examples of RFC 2231: sections 3, 4 and 4.1, as the name of a file.
func TestRFC2231(t *testing.T) {
	for _, r := range []struct{ name, in, want string }{
		{"section 3", "name*0=\"ftp://\";\n name*1=\"example.org/pub/bulk-mailer.tar\"", "ftp://example.org/pub/bulk-mailer.tar"},
		{"section 4", "name*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "This is ***fun***"},
		{"section 4.1", "name*0*=us-ascii'en'This%20is%20even%20more%20;\n name*1*=%2A%2A%2Afun%2A%2A%2A%20;\n name*2=\"isn't it!\"", "This is even more ***fun*** isn't it!"},
	} {
		t.Run(r.name, func(t *testing.T) {
			check(t, row{mail: "Content-Type: application/x-stuff;\n " + r.in + "\n\n", want: Mail{
				ContentType: "application/x-stuff", Parts: 1, Attachments: []Attachment{file(r.want, "application/x-stuff", "")}}})
		})
	}
}

func TestFileNames(t *testing.T) {
	const broken = "parameters of Content-Disposition are not well-formed"
	for _, r := range []struct {
		name, in, want string
		faults         []string
	}{
		{"token", "filename=a.txt", "a.txt", nil},
		{"upper case and white space", "FILENAME = \"a.txt\" ; size=1", "a.txt", nil},
		{"comments", "(x) filename=(y\"z)a.txt (z)", "(y\"z)a.txt", nil},
		{"blanks without quotes", "filename=my long file.txt; size=1", "my long file.txt", []string{broken}},
		{"no semicolon between", "filename=a.txt size=1", "a.txt", []string{broken}},
		{"text after quotes", `filename="a.txt"x; size=1`, "a.txt", []string{broken}},
		{"semicolon in quotes", `filename="a;b.txt"`, "a;b.txt", nil},
		{"quotes in quotes", `filename="a\"b\\c.txt"`, `a"b\c.txt`, nil},
		{"path with backslashes", `filename="C:\temp\a.txt"`, `C:\temp\a.txt`, nil},
		{"open quote", `filename="a.txt`, "a.txt", []string{broken}},
		{"words without a value", "x; ; filename=a.txt; y", "a.txt", []string{broken}},
		{"words before the name", "x y, filename=a.txt", "a.txt", []string{broken}},
		{"equals sign in the value", "filename=a=b.txt", "a=b.txt", nil},
		{"blank at the end", "filename=a.txt ", "a.txt", nil},
		{"blank after the value", "filename=a.txt ; size=1", "a.txt", nil},
		{"comment after the value", "filename=a.txt (b\\)c); size=1", "a.txt", nil},
		{"comment that is not closed", "filename=a.txt; (b", "a.txt", []string{broken}},
		{"comment after the value that is not closed", "filename=a.txt (b; size=1", "a.txt", []string{broken}},
		{"charset with a long name", "filename*=" + strings.Repeat("x", 65) + "''a", "a", []string{`unknown charset "` + strings.Repeat("x", 60) + `...", read as UTF-8`}},
		{"path that climbs", "filename=../../etc/passwd", "../../etc/passwd", nil},
		{"RFC 2047 word", `filename="=?utf-8?Q?caf=C3=A9.txt?="`, "café.txt", nil},
		{"RFC 2047 words in continuations", `filename*0="=?utf-8?B?Y2Fm"; filename*1="w6k=?="`, "café", nil},
		{"raw UTF-8", `filename="café.txt"`, "café.txt", nil},
		{"raw 8 bit", "filename=\"caf\xe9.txt\"", "café.txt", []string{"8-bit text in Content-Disposition, read as windows-1252"}},
		{"charset of the part", "filename=\"\x95\x5c.txt\"\nContent-Type: text/plain; charset=shift_jis", "表.txt", []string{`8-bit text in Content-Disposition, read as "shift_jis"`}},
		{"extended goes first", "filename=plain; filename*=utf-8''caf%C3%A9", "café", nil},
		{"extended goes first, in other order", "filename*=utf-8''caf%C3%A9; filename=plain", "café", nil},
		{"extended in quotes", `filename*="utf-8''caf%C3%A9"`, "café", nil},
		{"extended without charset", "filename*=caf%C3%A9", "café", []string{"an extended parameter does not name its charset", "text said to be US-ASCII is not, and was read as UTF-8"}},
		{"extended, unknown charset", "filename*=x-mars''caf%E9", "café", []string{`unknown charset "x-mars", read as windows-1252`}},
		{"percent signs that are none", "filename*=utf-8''a%zz%4", "a%zz%4", nil},
		{"character cut between sections", "filename*0*=utf-8''caf%C3; filename*1*=%A9", "café", nil},
		{"sections in any order", "filename*1=b; filename*0=a; filename*10=k; filename*2=c", "abc", []string{"a section of a parameter is missing; what follows it was left out"}},
		{"sections from 1", "filename*1=b; filename*2=c", "bc", []string{"the first section of a parameter is missing"}},
		{"section given twice", "filename*0=a; filename*0=x; filename*1=b", "ab", nil},
		{"section that is no number", "filename*a=x; filename*99999=y; filename=z", "z", []string{broken}},
		{"given twice", "filename=a; filename=b", "a", []string{"a parameter filename is given twice; the first one counts"}},
		{"given twice, the same", "filename=a; filename=a", "a", nil},
		{"given twice, extended", "filename*=utf-8''a; filename*=utf-8''b", "a", []string{"a parameter filename is given twice; the first one counts"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			check(t, row{mail: "Content-Disposition: attachment; " + r.in + "\n\n", want: Mail{Parts: 1, Attachments: []Attachment{file(r.want, "text/plain", "")}, Faults: r.faults}})
		})
	}
}

func TestDate(t *testing.T) {
	const notUsual, unreadable = "Date is not in the form of RFC 5322", "Date is not readable"

	for _, r := range []struct {
		in    string
		want  time.Time
		fault string
	}{
		{"Fri, 21 Nov 1997 09:55:06 -0600", utc(1997, 11, 21, 15, 55, 6), ""}, // RFC 5322 appendix A.1.1
		{"Thu,      13       Feb    1969  23:32         -0330 (Newfoundland Time)", utc(1969, 2, 14, 3, 2, 0), ""},
		{"21 Nov 97 09:55:06 GMT", utc(1997, 11, 21, 9, 55, 6), notUsual},                           // appendix A.6.2: obsolete
		{"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", utc(1997, 11, 21, 15, 55, 6), notUsual}, // appendix A.6.3
		{"1 Jul 2003 10 : 52 :37 +0200", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"1 Jul 2003 10: 52 +0200", utc(2003, 7, 1, 8, 52, 0), notUsual},
		{"1 Jul 2003 10:52 :37 +0200", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"1 Jul 2003 10:52:37 +0200 (CEST)", utc(2003, 7, 1, 8, 52, 37), ""},
		{"1 Jul 2003 10:52:37 EDT", utc(2003, 7, 1, 14, 52, 37), ""},
		{"1 Jul 2003 10:52:37 CEST", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"1 Jul 2003 10:52:37 XYZ", utc(2003, 7, 1, 10, 52, 37), notUsual},
		{"1 Jul 2003 10:52", utc(2003, 7, 1, 10, 52, 0), notUsual},
		{"1 Jul 2003", utc(2003, 7, 1, 0, 0, 0), notUsual},
		{"1 Jul 103 10:52:37 +0000", utc(2003, 7, 1, 10, 52, 37), notUsual},
		{"1 Jul 03 10:52:37 +0000", utc(2003, 7, 1, 10, 52, 37), notUsual},
		{"1 Jul 2003 10:52:37 +02:00", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"1 Jul 2003 10:52:37 GMT+0200", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"1 Jul 2003 10:52:37 +02", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"1 Jul 2003 10:52:37 +9999", utc(2003, 7, 1, 10, 52, 37), notUsual},
		{"1 Jul 2003 10:52:37+0200", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"1 Jul 2003 10:52:37.5 +0200", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"1 Jul 2003 10:52:37 PM +0000", utc(2003, 7, 1, 22, 52, 37), notUsual},
		{"1 Jul 2003 12:52:37 am +0000", utc(2003, 7, 1, 0, 52, 37), notUsual},
		{"1 Jul 2003 12:52:37 pm +0000", utc(2003, 7, 1, 12, 52, 37), notUsual},
		{"1 Jul 2003 11:52:37 am +0000", utc(2003, 7, 1, 11, 52, 37), notUsual},
		{"1 Jul 2003 22:52:37 pm +0000", utc(2003, 7, 1, 22, 52, 37), notUsual},
		{"Tuesday, 1 July 2003 10:52:37 +0000", utc(2003, 7, 1, 10, 52, 37), notUsual},
		{"Tue Jul  1 10:52:37 2003", utc(2003, 7, 1, 10, 52, 37), notUsual},
		{"1-Jul-2003 10:52:37 +0000", utc(2003, 7, 1, 10, 52, 37), notUsual},
		{"2003-07-01 10:52:37 +0200", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"2003-Jul-01 10:52:37 +0200", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"2003/07/01 10:52:37", utc(2003, 7, 1, 10, 52, 37), notUsual},
		{"2003-07-01T10:52:37Z", utc(2003, 7, 1, 10, 52, 37), notUsual},
		{"2003-07-01T10:52:37.123+02:00", utc(2003, 7, 1, 8, 52, 37), notUsual},
		{"1 Jul 2003 10:52:37 +0000 10:00 5 2004 12345", utc(2003, 7, 1, 10, 52, 37), notUsual},
		{"31 Dec 2016 23:59:60 +0000", utc(2017, 1, 1, 0, 0, 0), ""},
		{"29 Feb 2024 00:00:00 +0000", utc(2024, 2, 29, 0, 0, 0), ""},
		{"30 Feb 2024 00:00:00 +0000", time.Time{}, unreadable},
		{"32 Jan 2024 00:00:00 +0000", time.Time{}, unreadable},
		{"1 Jan 2024 24:00:00 +0000", time.Time{}, unreadable},
		{"1 Jan 2024 1:2:3:4 +0000", time.Time{}, unreadable},
		{"01/02/2024 10:00", time.Time{}, unreadable},
		{"yesterday", time.Time{}, unreadable},
		{"12345:", time.Time{}, unreadable},
		{"1:t:t:t", time.Time{}, unreadable},
		{"-- + ++ : - / 1-- 1-2-3", time.Time{}, unreadable},
		{"1 Jan 0 00:00", time.Time{}, unreadable},
		{"1 Jan 0000 00:00", time.Time{}, unreadable},
		{"(open", time.Time{}, unreadable},
	} {
		t.Run(r.in, func(t *testing.T) {
			want := Mail{Date: r.want, DateText: r.in, Parts: 1}
			if r.fault != "" {
				want.Faults = []string{r.fault}
			}
			check(t, row{mail: "Date: " + r.in + "\n\n", want: want})
		})
	}
}

// What net/mail reads without the zone of this machine is read the same.
func TestDateAgainstNetMail(t *testing.T) {
	for _, clock := range []string{"10:20", "10:20:30", "00:00:00", "23:59:59"} {
		for _, day := range []string{"Mon, 5 Feb 2024", "5 Feb 2024", "05 Feb 2024", "Mon, 05 Feb 24", "29 Feb 1996"} {
			for _, zone := range []string{"+0000", "-0000", "+0530", "-0330 (a (b))", "+1400"} {
				s := day + " " + clock + " " + zone
				want, err := mail.ParseDate(s)
				if err != nil {
					t.Fatal(err)
				}
				if got, _, ok := parseDate(s); !ok || !got.Equal(want) {
					t.Errorf("%q:\n got %v\nwant %v", s, got, want)
				}
			}
		}
	}
}

func utc(y, m, d, h, min, s int) time.Time {
	return time.Date(y, time.Month(m), d, h, min, s, 0, time.UTC)
}
