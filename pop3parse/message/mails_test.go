package message

import (
	"strings"
	"testing"
	"time"
)

// mixed is the header of a multipart/mixed with the boundary "b".
const mixed = "Content-Type: multipart/mixed; boundary=b\n\n"

const (
	lfFault   = "lines of the header or boundaries end in LF alone"
	noFinal   = "a multipart ends without its final boundary"
	noHeader  = "a message has no header"
	noBlank   = "no empty line between a header and its body"
	noField_  = "a line in a header is no header field"
	octetType = "application/octet-stream"
)

func TestStructure(t *testing.T) {
	long := strings.Repeat("x", 3*maxLine)
	run(t, []row{
		{name: "plain mail", mail: "From: Alice <alice@example.org>\nTo: bob@example.org\nSubject: Hello\nDate: Thu, 01 Feb 2024 10:20:30 +0100\nMessage-ID: <1@example.org>\n\nText\n", want: Mail{
			Subject: "Hello", From: "Alice <alice@example.org>", To: "bob@example.org", DateText: "Thu, 01 Feb 2024 10:20:30 +0100",
			Date: time.Date(2024, 2, 1, 9, 20, 30, 0, time.UTC), MessageID: "<1@example.org>", Parts: 1}},
		{name: "empty mail", mail: "", want: Mail{Parts: 1, Faults: []string{noHeader}}},
		{name: "text without any header", mail: "lutz\n", want: Mail{Parts: 1, Faults: []string{noHeader}}},
		{name: "text without any header, paragraphs", mail: "lutz\n\nSubject: no\n", want: Mail{Parts: 1, Faults: []string{noHeader}}},
		{name: "header only, as TOP n 0 gives it", mail: "Subject: a\nContent-Type: Multipart/Mixed; boundary=b\n\n", want: Mail{
			Subject: "a", ContentType: "multipart/mixed", Parts: 1, Faults: []string{"a multipart holds no part"}}},
		{name: "header without an end", mail: "Subject: a\nTo: b", want: Mail{Subject: "a", To: "b", Parts: 1}},
		{name: "folded fields", mail: "subject: a\n b\n\tc\nX-Other: x\n Subject: y\n\n", want: Mail{Subject: "a b\tc", Parts: 1}},
		{name: "folded field with a line of white space", mail: "Subject: a\n \n b\nTo: c\n\n", want: Mail{Subject: "a  b", To: "c", Parts: 1}},
		{name: "white space before the colon", mail: "Subject : a\n\n", want: Mail{Subject: "a", Parts: 1}},
		{name: "fields given twice", mail: "Subject: a\nSubject: b\nFrom: a@example.org\nfrom: b@example.org\n\n", want: Mail{
			Subject: "a", From: "a@example.org", Parts: 1, Faults: []string{"more than one field From; the first one counts", "more than one field Subject; the first one counts"}}},
		{name: "mbox From line first", mail: "From alice@example.org Thu Feb  1 10:20:30 2024\nSubject: a\n\n", want: Mail{
			Subject: "a", Parts: 1, Faults: []string{`an mbox "From " line stands before the header`}}},
		{name: "status line of the server first", mail: "+OK 120 octets\nSubject: a\n\n", want: Mail{Subject: "a", Parts: 1, Faults: []string{noField_}}},
		{name: "line that is no field in the header", mail: "Subject: a\nthis is nothing\nTo: b\n\n", want: Mail{Subject: "a", To: "b", Parts: 1, Faults: []string{noField_}}},
		{name: "line that is no field at the end of the header", mail: "Subject: a\nthis is nothing\n\nTo: b\n", want: Mail{Subject: "a", Parts: 1, Faults: []string{noField_}}},
		{name: "no empty line before the text", mail: "Subject: a\nDear Bob,\nthis: is text\nTo: b\n", want: Mail{Subject: "a", Parts: 1, Faults: []string{noBlank}}},
		{name: "no empty line before a long line", mail: "Subject: a\n" + long + "\nTo: b\n", want: Mail{Subject: "a", Parts: 1, Faults: []string{noBlank}}},
		{name: "no empty line before the first boundary", mail: "Subject: a\n" + mixed[:len(mixed)-1] + "--b\nContent-Disposition: attachment\n\nA\n--b--\n", want: Mail{
			Subject: "a", ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A")}, Faults: []string{noBlank}}},
		{name: "boundary with a colon and no empty line before", mail: "Content-Type: multipart/mixed; boundary=\"=_a:1\"\n--=_a:1\nContent-Disposition: attachment\n\nA\n--=_a:1--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A")}, Faults: []string{noBlank}}},
		{name: "byte order mark first", mail: "\ufeffSubject: a\n\n", want: Mail{Subject: "a", Parts: 1, Faults: []string{"a byte order mark stands before the header"}}},
		{name: "NUL octets", mail: "Subject: a\x00b\n" + mixed + "--b\nContent-Disposition: attachment\n\n\x00A\x00\n--b--\n", want: Mail{
			Subject: "a\x00b", ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "\x00A\x00")}, Faults: []string{"a header holds NUL octets"}}},
		{name: "LF alone", raw: true, mail: "Subject: a\n" + mixed + "--b\nContent-Disposition: attachment\n\nA\nB\n--b--\n", want: Mail{
			Subject: "a", ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A\nB")}, Faults: []string{lfFault}}},
		{name: "CR alone", raw: true, mail: strings.ReplaceAll("Subject: a\n"+mixed+"--b\nContent-Disposition: attachment\n\nA\nB\n--b--\n", "\n", "\r"), want: Mail{
			Subject: "a", ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A\rB")},
			Faults: []string{"lines of the header or boundaries end in CR alone"}}},
		{name: "CR CR LF", raw: true, mail: strings.ReplaceAll("Subject: a\n"+mixed+"--b\nContent-Disposition: attachment\n\nA\nB\n--b--\n", "\n", "\r\r\n"), want: Mail{
			Subject: "a", ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A\r\r\nB")},
			Faults: []string{"lines of the header or boundaries end in CR CR LF"}}},
		{name: "all line ends in binary content", raw: true, mail: "Content-Disposition: attachment\r\n\r\na\nb\rc\r\nd\r\r\ne\r\r\rf\r\r\r\ng\n\rh\n\n\r\r", want: Mail{
			Parts: 1, Attachments: []Attachment{file("", "text/plain", "a\nb\rc\r\nd\r\r\ne\r\r\rf\r\r\r\ng\n\rh\n\n\r\r")}}},
		{name: "lines of any length", mail: "Subject: " + long + "\nX-A: " + long + "\nTo: b\n" + mixed + "--b\nContent-Disposition: attachment\n\n" + long + "\n" + long[:maxLine] + "\n--b--\n", want: Mail{
			Subject: long, To: "b", ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", long+"\r\n"+long[:maxLine])}}},
		{name: "a boundary too far for a line", mail: mixed + "--b" + strings.Repeat(" ", maxLine) + "\n--b\n\nA\n--b--\n", want: Mail{ContentType: "multipart/mixed", Parts: 1}},
		{name: "no final boundary", mail: mixed + "--b\nContent-Disposition: attachment\n\nA\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A\r\n")}, Faults: []string{noFinal}}},
		{name: "cut in the middle of a boundary", mail: mixed + "--b\nContent-Disposition: attachment\n\nA\n--", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A\r\n--")}, Faults: []string{noFinal}}},
		{name: "final boundary without a line end", mail: mixed + "--b\nContent-Disposition: attachment\n\nA\n--b--", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A")}}},
		{name: "comments and white space around the type", mail: "Content-Type: (a; b) multipart (c)\n / (d) mixed (e); boundary=b\n\n--b\nContent-Type: (a) text / plain\n" +
			"Content-Disposition: (a) attachment; filename=x\nContent-Transfer-Encoding: (a) base64\n\nQUJD\n--b--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("x", "text/plain", "ABC")}}},
		{name: "more words than a type", mail: "Content-Type: text/plain / x\n\n", want: Mail{Parts: 1, Faults: []string{"parameters of Content-Type are not well-formed"}}},
		{name: "half a type", mail: "Content-Type: text/ ; charset=x\n\n", want: Mail{Parts: 1, Faults: []string{`Content-Type "text/" is not of the form type/subtype`}}},
		{name: "white space after boundaries", mail: "Content-Type: multipart/mixed; boundary=\"b \"\n\n--b \t\nContent-Disposition: attachment\n\nA\n--b-- \n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A")}}},
		{name: "boundary with an open quote", mail: "Content-Type: multipart/mixed; boundary=\"b\n\n--b\nContent-Disposition: attachment\n\nA\n--b--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A")}, Faults: []string{"parameters of Content-Type are not well-formed"}}},
		{name: "boundary with an open quote and another parameter", mail: "Content-Type: multipart/mixed; boundary=\"b; type=x\n\n--b\nContent-Disposition: attachment\n\nA\n--b--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A")}, Faults: []string{"parameters of Content-Type are not well-formed"}}},
		{name: "no boundary parameter", mail: "Content-Type: multipart/mixed\n\ntext\n--x\nno: part\n-- \n--=_1 \nContent-Type: a/b; name=c\n\nA\n--=_1--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("c", "a/b", "A")},
			Faults: []string{`"=_1" was taken as the boundary that is not declared`, "a multipart has no boundary parameter"}}},
		{name: "no boundary parameter and no boundary", mail: "Content-Type: multipart/mixed; boundary=\"\"\n\ntext\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Faults: []string{"a multipart has no boundary parameter", "a multipart holds no part"}}},
		{name: "prefix of the boundary", mail: "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Disposition: attachment\n\nA\n--bbb\n--bb--\n--b--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A\r\n--bbb")}}},
		{name: "same boundary in nested multiparts", mail: mixed + "--b\n" + mixed + "--b\nContent-Disposition: attachment; filename=1\n\nA\n--b--\n--b\nContent-Disposition: attachment; filename=2\n\nB\n--b--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 2, Attachments: []Attachment{file("1", "text/plain", "A"), file("2", "text/plain", "B")},
			Faults: []string{"a multipart has the boundary of one that it stands in"}}},
		{name: "boundary of the outer multipart ends the inner one", mail: mixed + "--b\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nA\n--b\nContent-Disposition: attachment\n\nB\n--i\n--b--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 2, Attachments: []Attachment{file("", "text/plain", "B\r\n--i")}, Faults: []string{noFinal}}},
		{name: "part after the final boundary", mail: mixed + "--b\n\ntext\n--b--\nepilogue\n--b\nContent-Disposition: attachment\n\nA\n--b--\n--b--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 2, Attachments: []Attachment{file("", "text/plain", "A")}, Faults: []string{"a part follows the final boundary of its multipart"}}},
		{name: "preamble and epilogue", mail: mixed + "begin 644 no\n#0V%T\nend\n--b\n\ntext\n--b--\nContent-Disposition: attachment\n\nbegin 644 no\n#0V%T\nend\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1}},
		{name: "parts without anything", mail: mixed + "--b\n--b\n\n--b\n\n\n--b--\n", want: Mail{ContentType: "multipart/mixed", Parts: 3}},
		{name: "part without header fields and empty line", mail: mixed + "--b\ntext\nFrom: quoted\n--b--\n", want: Mail{ContentType: "multipart/mixed", Parts: 1}},
		{name: "encoded multipart", mail: "Content-Transfer-Encoding: base64\n" + mixed + "--b\nContent-Disposition: attachment\n\nA\n--b--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("", "text/plain", "A")},
			Faults: []string{"a multipart has a Content-Transfer-Encoding, which is not applied"}}},
		{name: "type that is none", mail: "Content-Type: text\n\n", want: Mail{Parts: 1, Faults: []string{`Content-Type "text" is not of the form type/subtype`}}},
		{name: "type that is no token", mail: "Content-Type: text/<plain>\n\n", want: Mail{Parts: 1, Faults: []string{`Content-Type "text/<plain>" is not of the form type/subtype`}}},
		{name: "type that is too long", mail: "Content-Type: text/" + strings.Repeat("é", 200) + "\n\n", want: Mail{Parts: 1, Faults: []string{`Content-Type "text/` + strings.Repeat("é", 27) + `..." is not of the form type/subtype`}}},
		{name: "X- field after a line that is no field", mail: "Subject: a\nnothing\nX-Mailer: x\nTo: b\n\n", want: Mail{Subject: "a", To: "b", Parts: 1, Faults: []string{noField_}}},
		{name: "words before a colon", mail: "Subject: a\nDear Bob: hello\nas I said: hello\nTo: b\n", want: Mail{Subject: "a", Parts: 1, Faults: []string{noBlank}}},
		{name: "long lines in a part that nobody wants", mail: "Content-Type: text/html\n\n" + long + "\n", want: Mail{ContentType: "text/html", Parts: 1}},
		{name: "type with a forgotten semicolon", mail: "Content-Type: text/html charset=utf-8\n\n", want: Mail{ContentType: "text/html", Parts: 1, Faults: []string{"parameters of Content-Type are not well-formed"}}},
	})
}

func TestAttachments(t *testing.T) {
	inner := "Subject: inner\nContent-Type: multipart/mixed; boundary=i\n\n--i\nContent-Disposition: attachment; filename=deep\n\nD\n--i--\n"
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	part := func(header, body string) string { return mixed + "--b\n" + header + "\n" + body + "\n--b--\n" }
	want := func(a ...Attachment) Mail {
		return Mail{ContentType: "multipart/mixed", Parts: 1, Attachments: a}
	}
	fault := func(m Mail, f ...string) Mail { m.Faults = f; return m }
	run(t, []row{
		{name: "disposition", mail: part("Content-Disposition: ATTACHMENT\n", "A"), want: want(file("", "text/plain", "A"))},
		{name: "disposition inline with a name", mail: part("Content-Type: image/png\nContent-Disposition: inline; filename=a.png\n", "A"), want: want(file("a.png", "image/png", "A"))},
		{name: "disposition inline without a name", mail: part("Content-Type: image/png\nContent-Disposition: inline\n", "A"), want: want()},
		{name: "disposition that does not exist", mail: part("Content-Type: text/plain\nContent-Disposition: 7bit\n", "A"), want: want()},
		{name: "name of the type", mail: part("Content-Type: Application/PDF; Name=\"a.pdf\"\n", "A"), want: want(file("a.pdf", "application/pdf", "A"))},
		{name: "file name goes before the name of the type", mail: part("Content-Type: application/pdf; name=b\nContent-Disposition: attachment; filename=a\n", "A"), want: want(file("a", "application/pdf", "A"))},
		{name: "empty file name", mail: part("Content-Type: application/pdf; name=\"\"\nContent-Disposition: inline; filename=\"\"\n", "A"), want: want()},
		{name: "disposition forgotten", mail: part("Content-Disposition: filename=a.txt\n", "A"), want: fault(want(file("a.txt", "text/plain", "A")), "parameters of Content-Disposition are not well-formed")},
		{name: "TNEF", mail: part("Content-Type: application/ms-tnef\n", "A"), want: fault(want(file("", "application/ms-tnef", "A")), "TNEF is not unpacked: an attachment without a name")},
		{name: "TNEF with a name", mail: part("Content-Type: application/ms-tnef; name=winmail.dat\n", "A"), want: fault(want(file("winmail.dat", "application/ms-tnef", "A")), `TNEF is not unpacked: attachment "winmail.dat"`)},
		{name: "the mail itself", mail: "Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nQUJD\n", want: Mail{
			ContentType: "application/pdf", Parts: 1, Attachments: []Attachment{file("a.pdf", "application/pdf", "ABC")}}},
		{name: "message in a multipart/mixed", mail: part("Content-Type: message/rfc822\n", strings.TrimSuffix(inner, "\n")), want: want(
			file("", "message/rfc822", strings.TrimSuffix(crlf(inner), "\r\n")), file("deep", "text/plain", "D"))},
		{name: "message in a report", mail: "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nA\n--b\nContent-Type: message/rfc822\n\n" + inner + "--b--\n", want: Mail{
			ContentType: "multipart/report", Parts: 2, Attachments: []Attachment{file("deep", "text/plain", "D")}}},
		{name: "message with a disposition in a report", mail: "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/rfc822\nContent-Disposition: attachment\n\n" + inner + "--b--\n", want: Mail{
			ContentType: "multipart/report", Parts: 1, Attachments: []Attachment{file("", "message/rfc822", strings.TrimSuffix(crlf(inner), "\r\n")), file("deep", "text/plain", "D")}}},
		{name: "messages in a digest (RFC 2046 section 5.1.5)", mail: "Content-Type: multipart/digest; boundary=b\n\n--b\n\n" + inner + "--b\n\nSubject: x\n\ntext\n--b--\n", want: Mail{
			ContentType: "multipart/digest", Parts: 2, Attachments: []Attachment{file("deep", "text/plain", "D")}}},
		{name: "message in base64", mail: part("Content-Type: message/rfc822; name=m.eml\nContent-Transfer-Encoding: base64\n", "U3ViamVjdDogaW5uZXINCkNvbnRlbnQtRGlzcG9zaXRpb246IGF0dGFjaG1lbnQ7\nIGZpbGVuYW1lPWRlZXANCg0KRA=="), want: fault(want(
			file("m.eml", "message/rfc822", "Subject: inner\r\nContent-Disposition: attachment; filename=deep\r\n\r\nD"), file("deep", "text/plain", "D")), "an embedded message is encoded")},
		{name: "message said to be in base64", mail: part("Content-Type: message/rfc822; name=m.eml\nContent-Transfer-Encoding: base64\n", "Content-Disposition: attachment\n\nD"), want: fault(want(
			file("m.eml", "message/rfc822", "Content-Disposition: attachment\r\n\r\nD"), file("", "text/plain", "D")), "a message is said to be base64 and is not", "an embedded message is encoded")},
		{name: "message in quoted-printable", mail: part("Content-Type: message/rfc822; name=m.eml\nContent-Transfer-Encoding: quoted-printable\n", "Content-Disposition: atta=\nchment\n\n=44"), want: fault(want(
			file("m.eml", "message/rfc822", "Content-Disposition: attachment\r\n\r\nD"), file("", "text/plain", "D")), "an embedded message is encoded")},
		{name: "outer boundary inside the embedded message", mail: mixed + "--b\nContent-Type: message/rfc822\n\nSubject: x\n--b\nContent-Disposition: attachment\n\nA\n--b--\n", want: Mail{
			ContentType: "multipart/mixed", Parts: 2, Attachments: []Attachment{file("", "message/rfc822", "Subject: x"), file("", "text/plain", "A")}}},
	})
}

func TestTransferEncodings(t *testing.T) {
	type encoded struct {
		name, encoding, body, want string
		faults                     []string
	}
	b := []string{`"f"`}
	var rows []row
	for _, e := range []encoded{
		{"base64", "base64", "QUJD\nREVG\n\n", "ABCDEF", nil},
		{"base64 in upper case with a comment", "BASE64 (yes)", "QUJD", "ABC", nil},
		{"base64 with a semicolon", "base64;", "QUJD", "ABC", nil},
		{"base64 in lines of odd length", "base64", "Q\nUJ\nDREV\nG", "ABCDEF", nil},
		{"base64 with white space", "base64", " QU JD \n\tREVG ", "ABCDEF", nil},
		{"base64 with junk", "base64", "QU!JD\nRE*VG", "ABCDEF", []string{"characters that are not base64 in attachment %s"}},
		{"base64 without padding", "base64", "QUJDRA", "ABCD", []string{"base64 padding is missing in attachment %s"}},
		{"base64 with half of the padding", "base64", "QUJDRA=", "ABCD", nil},
		{"base64 with too much padding", "base64", "QUJDRA=====", "ABCD", nil},
		{"base64 with one character over", "base64", "QUJDR", "ABC", []string{"base64 with a single character over in attachment %s"}},
		{"base64 with padding after one character", "base64", "QUJDR=QUJD", "ABCABC", []string{"base64 goes on after its padding in attachment %s", "base64 with a single character over in attachment %s"}},
		{"base64 in several padded segments", "base64", "QQ==\nQkI=\nQ0ND", "ABBCCC", []string{"base64 goes on after its padding in attachment %s"}},
		{"base64 in several padded segments on one line", "base64", "QQ==QkI=Q0ND", "ABBCCC", []string{"base64 goes on after its padding in attachment %s"}},
		{"base64 with a footer", "base64", "QQ==\n__________\nmailing list\n", "A", []string{"text that is not base64 after the padding in attachment %s"}},
		{"base64 on one long line", "base64", strings.Repeat("QUJD", maxLine), strings.Repeat("ABC", maxLine), nil},
		{"base64 on one long line with junk", "base64", strings.Repeat("QU.JD", maxLine), strings.Repeat("ABC", maxLine), []string{"characters that are not base64 in attachment %s"}},
		{"quoted-printable", "quoted-printable", "a=3Db=\nc \nd", "a=bc\r\nd", nil},
		{"quoted-printable in lower case", "Quoted-Printable", "=c3=a9", "é", nil},
		{"quoted-printable with errors", "quoted-printable", "a=b=\n=4\n=XY=", "a=b=4\r\n=XY", []string{"quoted-printable with invalid escapes in attachment %s"}},
		{"quoted-printable with equals signs in a row", "quoted-printable", "===41\n", "==A\r\n", []string{"quoted-printable with invalid escapes in attachment %s"}},
		{"quoted-printable with white space after a soft break", "quoted-printable", "a= \t\nb", "ab", nil},
		{"quoted-printable on long lines", "quoted-printable", strings.Repeat("ab=3D", maxLine) + "=\nx" + strings.Repeat("=3D", maxLine) + "=\n" + strings.Repeat("y=", maxLine+1),
			strings.Repeat("ab=", maxLine) + "x" + strings.Repeat("=", maxLine) + strings.Repeat("y=", maxLine) + "y", []string{"quoted-printable with invalid escapes in attachment %s"}},
		{"quoted-printable on a long line with errors at its end", "quoted-printable", strings.Repeat("x", maxLine+1) + "=4", strings.Repeat("x", maxLine+1) + "=4", []string{"quoted-printable with invalid escapes in attachment %s"}},
		{"8bit", "8bit", "\xe9\nA", "\xe9\r\nA", nil},
		{"unknown", "x-rot13", "A", "A", []string{`unknown Content-Transfer-Encoding "x-rot13"`}},
		{"unknown, with an equals sign", "=?utf-8?q?base64?=", "A", "A", []string{`unknown Content-Transfer-Encoding "=?utf-8?q?base64?="`}},
		{"uuencode", "x-uuencode", "begin 644 other\n#0V%T\n`\nend\n", "Cat", nil},
		{"uuencode without data", "x-uue", "text", "text", []string{"no uuencoded file in attachment %s, which is kept as it is"}},
		{"no uuencode, and long", "x-uue", strings.Repeat("text\n", maxRawText/4), strings.Repeat("text\r\n", maxRawText/4), []string{"no uuencoded file in attachment %s, which is kept as it is"}},
		{"uuencode twice", "uuencode", "begin 644 a\n#0V%T\n`\nend\nbegin 644 b\n#0V%T\n`\nend", "Cat", []string{"more than one uuencoded file in attachment %s; the first one counts"}},
	} {
		r := row{name: e.name, mail: mixed + "--b\nContent-Type: application/x; name=f\nContent-Transfer-Encoding: " + e.encoding + "\n\n" + e.body + "\n--b--\n"}
		r.want = Mail{ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("f", "application/x", e.want)}}
		for _, f := range e.faults {
			r.want.Faults = append(r.want.Faults, strings.ReplaceAll(f, "%s", b[0]))
		}
		rows = append(rows, r)
	}
	run(t, rows)
}

func TestUuencodedFilesInText(t *testing.T) {
	line := `M` + strings.Repeat("0V%T", 15)
	data := strings.Repeat("Cat", 15)
	plain := func(faults []string, a ...Attachment) Mail {
		return Mail{Subject: "a", Parts: 1, Attachments: a, Faults: faults}
	}
	rows := []row{
		{name: "file", mail: "text\nbegin 644 a b.txt\n" + line + "\n" + line + "\n#0V%T\n`\nend\nmore\n", want: plain(nil, file("a b.txt", octetType, data+data+"Cat"))},
		{name: "two files", mail: "begin 644 a\n#0V%T\n`\nend\n\nbegin 0755 b\n\"0V$\n \nend\n", want: plain(nil, file("a", octetType, "Cat"), file("b", octetType, "Ca"))},
		{name: "empty file", mail: "begin 644 a\n`\nend\nbegin 644 b\nend\n", want: plain(nil, file("a", octetType, ""), file("b", octetType, ""))},
		{name: "prose", mail: "begin 644 is not a file\nand goes on\nbegin 9 x\nend\nbegin\nend\n", want: plain(nil)},
		{name: "a beginning behind one that is none", mail: "begin 644 a\nbegin 644 b\n#0V%T\n`\nend\n", want: plain(nil, file("b", octetType, "Cat"))},
		{name: "no end", mail: "begin 644 a\n#0V%T\n", want: plain([]string{`no end of uuencoded attachment "a"`}, file("a", octetType, "Cat"))},
		{name: "text instead of the end", mail: "begin 644 a\n#0V%T\n`\nbegin 644 b\n#0V%T\n`\nend\n", want: plain([]string{`no end of uuencoded attachment "a"`}, file("a", octetType, "Cat"), file("b", octetType, "Cat"))},
		{name: "lines that are no data", mail: "begin 644 a\n#0V%T\nhello\n" + strings.Repeat("x", 2*maxLine) + "\n#0V%T\n`\nend\n", want: plain([]string{`lines that are no data in uuencoded attachment "a"`}, file("a", octetType, "CatCat"))},
		{name: "with a checksum", mail: "begin 644 a\n#0V%TX\n`\nend\n", want: plain(nil, file("a", octetType, "Cat"))},
		{name: "spaces lost at the end of lines", mail: "begin 644 a\n" + line + "\nM0V%T\n`\nend\n", want: plain([]string{`lines shorter than they say in uuencoded attachment "a"`}, file("a", octetType, data+"Cat"+strings.Repeat("\x00", 22)))},
		{name: "many zeros of few lines", mail: "begin 644 a\n" + strings.Repeat("M\n", 100) + "`\nend\n", want: plain([]string{`lines shorter than they say in uuencoded attachment "a"`}, file("a", octetType, strings.Repeat("\x00", 300)))},
	}
	for i := range rows {
		rows[i].mail = "Subject: a\n\n" + rows[i].mail
	}
	rows = append(rows,
		row{name: "in a text in base64", mail: "Subject: a\nContent-Transfer-Encoding: base64\n\nYmVnaW4gNjQ0IGEKIzBWJVQKYAplbmQK\n", want: plain(nil, file("a", octetType, "Cat"))},
		row{name: "in a part with a name", mail: "Subject: a\nContent-Disposition: inline; filename=b\n\nbegin 644 a\n#0V%T\n`\nend\n", want: plain(nil, file("b", "text/plain", "begin 644 a\r\n#0V%T\r\n`\r\nend\r\n"))},
		row{name: "in a part of unknown type said to be uuencoded", mail: "Subject: a\nContent-Type: a/b\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#0V%T\n`\nend\n", want: Mail{
			Subject: "a", ContentType: "a/b", Parts: 1, Attachments: []Attachment{file("a", octetType, "Cat")}}},
		row{name: "name in 8 bit", mail: "Subject: a\nContent-Type: text/plain; charset=iso-8859-1\n\nbegin 644 \xe9\n#0V%T\n`\nend\n", want: plain(
			[]string{`8-bit text in the name of a uuencoded file, read as "iso-8859-1"`}, file("é", octetType, "Cat"))},
	)
	run(t, rows)
}
