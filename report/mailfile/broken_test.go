package mailfile_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"popscope"
	"popscope/report/mailfile"
)

// asDialog writes mails as a dialog in which each is fetched.
func asDialog(mails []string) string {
	var b strings.Builder
	b.WriteString("S: +OK\nC: USER alice\nS: +OK\nC: PASS x\nS: +OK\n")
	for i, mail := range mails {
		stuffed := mail
		if strings.HasPrefix(stuffed, ".") {
			stuffed = "." + stuffed
		}
		stuffed = strings.ReplaceAll(stuffed, "\r\n.", "\r\n..")
		if !strings.HasSuffix(stuffed, "\r\n") {
			stuffed += "\r\n" // the protocol cannot carry a mail that ends otherwise
		}
		fmt.Fprintf(&b, "C: RETR %d\nS: +OK\nS= %s\nS: .\n", i+1, base64.StdEncoding.EncodeToString([]byte(stuffed)))
	}
	b.WriteString("C: QUIT\nS: +OK\n")
	return b.String()
}

// blob is what the binary attachments in testdata/mail hold.
func blob(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i/256)
	}
	return string(b)
}

// broken says what is in the mails of testdata/mail, which are broken in
// the ways that their names tell: the files of each, and a word of what the
// manifest says about it.
var broken = map[string]struct {
	files map[string]string
	fault string
}{
	"base64-cut-short":            {map[string]string{"cut.bin": blob(292)}, "padding is missing"},
	"base64-with-footer":          {map[string]string{"list.bin": blob(100)}, "text that is not base64"},
	"base64-with-junk":            {map[string]string{"junk.bin": blob(600)}, "characters that are not base64"},
	"boundary-not-declared":       {map[string]string{"found.txt": "found"}, "taken as the boundary that is not declared"},
	"boundary-quote-open":         {map[string]string{"open.txt": "open"}, "not well-formed"},
	"boundary-twice":              {map[string]string{"inside.txt": "inside", "outside.txt": "outside"}, "boundary of one that it stands in"},
	"boundary-wrong":              {map[string]string{"hidden.txt": "hidden"}, "not the one that is declared"},
	"eight-bit-headers":           {map[string]string{"ä.txt": "\xe4\r\n"}, "8-bit text in Subject"},
	"fields-twice":                {map[string]string{"a.txt": "first wins"}, "more than one field Content-Type"},
	"hostile-names":               {map[string]string{"etc_passwd": "1", "_CON": "2", "_con.txt": "3", "C_autoexec.bat": "4", "a_31m.txt": "5", "annexegpj.exe": "6", "part-7.txt": "7", "A": "8", "a-2": "9"}, ""},
	"line-ends-mixed":             {map[string]string{"cr.txt": "old\rMac", "lf.txt": "unix", "crcrlf.txt": "twice"}, "CR alone"},
	"mbox-line-and-broken-header": {map[string]string{"a.txt": "A"}, "no header field"},
	"message-in-base64": {map[string]string{
		"forwarded.eml": "Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Disposition: attachment; filename=deep.txt\r\n\r\ndeep\r\n--i--\r\n",
		"deep.txt":      "deep"}, "embedded message is encoded"},
	"names-in-charsets":       {map[string]string{"报告.pdf": "one", "会議録.txt": "two", "Straße.txt": "three", "Отчёт.txt": "four"}, "8-bit text in Content-Disposition"},
	"nested-multiparts":       {map[string]string{"dot.png": blob(600), "note.txt": "the note"}, ""},
	"nesting-without-ends":    {map[string]string{"three.txt": "three", "two.txt": "two", "one.txt": "one\r\n"}, "without its final boundary"},
	"no-blank-line":           {map[string]string{"a.txt": "This is text, and not a field.\r\nSo is this."}, "no empty line"},
	"nul-octets":              {map[string]string{"n_ul.bin": "a\x00b\x00"}, "NUL"},
	"part-after-the-end":      {map[string]string{"early.txt": "early", "late.txt": "late\r\n"}, "follows the final boundary"},
	"quoted-printable-errors": {map[string]string{"qp.txt": "gr\xfc\xdfe and = here =XY 100=%\r\ntrailing end"}, "invalid escapes"},
	"tnef":                    {map[string]string{"winmail.dat": "\x78\x9f\x3e\x22" + tnefBody()}, "TNEF is not unpacked"},
	"unknown-encoding":        {map[string]string{"rot.txt": "Uryyb", "word.txt": "Hi"}, "unknown Content-Transfer-Encoding"},
	"uuencode-in-text":        {map[string]string{"first.bin": blob(600), "second_file.txt": "hello\n"}, ""},
	"uuencode-without-begin":  {map[string]string{"raw.bin": "This is no uuencode\r\nat all."}, "kept as it is"},
	"wrong-charset":           {map[string]string{"café.txt": "caf\xe9"}, "unknown charset"},
}

func tnefBody() string {
	b := make([]byte, 100)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

// brokenMails returns the mails of testdata/mail in the order of their
// names.
func brokenMails(t *testing.T) (names, mails []string) {
	t.Helper()
	for name := range tree(t, "../../testdata/mail") {
		names = append(names, strings.TrimSuffix(name, ".eml"))
	}
	slices.Sort(names)
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join("../../testdata/mail", name+".eml"))
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, string(b))
	}
	return names, mails
}

// Broken mails lose nothing: what can be decoded is decoded, the rest is
// kept as it is, and the manifest says so.
func TestBrokenMails(t *testing.T) {
	names, mails := brokenMails(t)
	if len(names) != len(broken) {
		t.Fatalf("%d mails, %d expected", len(names), len(broken))
	}
	dir := extract(t, dialog(t, asDialog(mails)), mailfile.Options{Attachments: true}, popscope.Options{})
	checkManifest(t, dir)
	files := tree(t, dir)
	for i, e := range manifest(t, dir) {
		name, want := names[i], broken[names[i]]
		if mail := strings.TrimSuffix(mails[i], "\r\n") + "\r\n"; files[e.File] != mail {
			t.Errorf("%s: the file is not the mail", name)
		}
		got := make(map[string]string)
		for _, a := range e.Attachments {
			got[a.File[strings.LastIndexByte(a.File, '/')+1:]] = files[a.File]
		}
		for file, content := range want.files {
			if got[file] != content {
				t.Errorf("%s: %s\n got %.100q\nwant %.100q", name, file, got[file], content)
			}
			delete(got, file)
		}
		for file := range got {
			t.Errorf("%s: also %s", name, file)
		}
		if faults := strings.Join(e.Faults, "; "); !strings.Contains(faults, want.fault) {
			t.Errorf("%s: faults %q lack %q", name, faults, want.fault)
		}
	}
}
