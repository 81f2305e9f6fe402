package capturetest

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// lossy are the dialogs that say that the capture lacks something.
func lossy(d *Dialog) bool { return strings.HasPrefix(d.Name, "tcp-lost-") }

func TestDialogsCompile(t *testing.T) {
	for _, d := range LoadAll(t, "") {
		t.Run(d.Name, func(t *testing.T) {
			if len(d.About) < 10 {
				t.Errorf("the first comment says %q; it should say what the dialog shows", d.About)
			}
			trace := d.Trace()
			if len(trace) == 0 {
				t.Fatal("no packets")
			}
			if problem := unsound(trace, lossy(d)); problem != "" {
				t.Error(problem)
			}
			if lossy(d) {
				return
			}
			// The streams are what was written.
			written := map[way][]byte{}
			for _, s := range d.steps {
				if s.kind == doWrite {
					w := way{s.conn, s.side == client}
					written[w] = append(written[w], s.data...)
				}
			}
			for conn := range trace.Conns() {
				for _, fromClient := range []bool{true, false} {
					if got, want := trace.Stream(conn, fromClient), written[way{conn, fromClient}]; !bytes.Equal(got, want) {
						t.Errorf("connection %d, from client %v:\n got %q\nwant %q", conn, fromClient, got, want)
					}
				}
			}
		})
	}
}

func TestDialogsAreDocumented(t *testing.T) {
	readme, err := os.ReadFile("../../testdata/dialog/README.md")
	if err != nil {
		t.Fatal(err)
	}
	group := regexp.MustCompile("`([a-z0-9]+)-?\\*`")
	groups := map[string]bool{}
	for _, m := range group.FindAllStringSubmatch(string(readme), -1) {
		groups[m[1]] = false
	}
	for _, d := range LoadAll(t, "") {
		first, _, _ := strings.Cut(d.Name, "-")
		name := strings.TrimRight(first, "0123456789")
		if _, ok := groups[name]; !ok {
			t.Errorf("%s: README.md has no group `%s*`", d.Name, name)
		}
		groups[name] = true
	}
	for name, used := range groups {
		if !used {
			t.Errorf("README.md: no dialog in group `%s*`", name)
		}
	}
	for word := range directives {
		if !strings.Contains(string(readme), "`! "+word) {
			t.Errorf("README.md does not explain `! %s`", word)
		}
	}
}

// TestAnnouncedOctets keeps the dialogs true to what their servers say,
// but for those that lie on purpose or break off.
func TestAnnouncedOctets(t *testing.T) {
	lies := map[string]bool{
		"body-wrong-octet-count": true, "tcp-client-resets-in-retr": true, "tcp-client-closes-in-retr": true,
		"tcp-server-dies-in-retr": true, "tcp-server-closes-in-retr": true,
	}
	status := regexp.MustCompile(`(?s)^\+OK (\d+) octets[^\r]*\r\n(.*)`)
	checked := 0
	for _, d := range LoadAll(t, "") {
		if lies[d.Name] {
			continue
		}
		trace := d.Trace()
		for conn := range trace.Conns() {
			rest := trace.Stream(conn, false)
			for len(rest) > 0 {
				if m := status.FindSubmatch(rest); m != nil {
					body, _, whole := bytes.Cut(append([]byte("\r\n"), m[2]...), []byte("\r\n.\r\n"))
					body = bytes.ReplaceAll(append(body, "\r\n"...), []byte("\r\n."), []byte("\r\n"))[2:]
					if want, _ := strconv.Atoi(string(m[1])); !whole || len(body) != want {
						t.Errorf("%s announces %d octets and sends %d (whole: %v)", d.Name, want, len(body), whole)
					}
					checked++
					rest = m[2][min(len(body), len(m[2])):]
				}
				_, rest, _ = bytes.Cut(rest, []byte("\r\n"))
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d messages with a number of octets found", checked)
	}
}

// words returns the decoded base64 words of a dialog's lines that follow
// "+ " or stand alone, of one side.
func words(t *testing.T, name string, fromClient bool) []string {
	t.Helper()
	var out []string
	for _, line := range strings.Split(string(Load(t, name).Trace().Stream(0, fromClient)), "\r\n") {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "+OK" || f[0] == "-ERR" {
			continue
		}
		if b, err := base64.StdEncoding.DecodeString(f[len(f)-1]); err == nil {
			out = append(out, string(b))
		}
	}
	return out
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func sumOf(h func() hash.Hash, b []byte) []byte {
	s := h()
	s.Write(b)
	return s.Sum(nil)
}

func macOf(h func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// TestProofsAreRight computes what the dialogs' clients claim to have
// computed, so that tools which check passwords can be tested with them.
func TestProofsAreRight(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"rfc1939-section10", "APOP mrose " + md5Hex("<1896.697170952@dbc.mtview.ca.us>tanstaaf")},
		{"rfc1939-apop-failure", "APOP alice " + md5Hex("<1.2@mail.example.org>wonderland-7")},
		{"rfc1939-apop-failure", "APOP alice " + md5Hex("<1.2@mail.example.org>wrong")},
	} {
		if got := Load(t, tt.name).Trace().Stream(0, true); !bytes.Contains(got, []byte(tt.want)) {
			t.Errorf("%s:\n got %q\nwant %q in it", tt.name, got, tt.want)
		}
	}

	cram := []struct{ name, user, password string }{
		{"auth-cram-md5", "alice", "wonderland-7"},
		{"auth-cram-md5-rfc2195", "tim", "tanstaaftanstaaf"},
		{"auth-cram-md5-user-with-space", "alice example", "wonderland-7"},
	}
	for _, tt := range cram {
		challenges, answers := words(t, tt.name, false), words(t, tt.name, true)
		challenge, answer := challenges[len(challenges)-1], answers[len(answers)-2] // QUIT decodes, too
		if want := tt.user + " " + hex.EncodeToString(macOf(md5.New, []byte(tt.password), challenge)); answer != want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, answer, want)
		}
	}

	scram := []struct {
		name, password string
		h              func() hash.Hash
	}{
		{"auth-scram-sha-1", "pencil", sha1.New},
		{"auth-scram-sha-256", "pencil", sha256.New},
		{"auth-scram-few-iterations", "wonderland-7", sha1.New},
	}
	attribute := func(message, name string) string {
		for _, part := range strings.Split(message, ",") {
			if v, ok := strings.CutPrefix(part, name+"="); ok {
				return v
			}
		}
		return ""
	}
	for _, tt := range scram {
		servers, clients := words(t, tt.name, false), words(t, tt.name, true)
		first, final := clients[0], clients[1]
		salt, err := base64.StdEncoding.DecodeString(attribute(servers[0], "s"))
		if err != nil {
			t.Fatal(err)
		}
		iterations, err := strconv.Atoi(attribute(servers[0], "i"))
		if err != nil {
			t.Fatal(err)
		}
		salted, err := pbkdf2.Key(tt.h, tt.password, salt, iterations, tt.h().Size())
		if err != nil {
			t.Fatal(err)
		}
		bare, proof, _ := strings.Cut(final, ",p=")
		authMessage := strings.TrimPrefix(first, "n,,") + "," + servers[0] + "," + bare
		key := macOf(tt.h, salted, "Client Key")
		signature := macOf(tt.h, sumOf(tt.h, key), authMessage)
		for i := range key {
			key[i] ^= signature[i]
		}
		if want := base64.StdEncoding.EncodeToString(key); proof != want {
			t.Errorf("%s: proof\n got %s\nwant %s", tt.name, proof, want)
		}
		server := macOf(tt.h, macOf(tt.h, salted, "Server Key"), authMessage)
		if want := "v=" + base64.StdEncoding.EncodeToString(server); servers[1] != want {
			t.Errorf("%s: server's proof\n got %s\nwant %s", tt.name, servers[1], want)
		}
	}

	digest := words(t, "auth-digest-md5", true)[0]
	secret := md5.Sum([]byte("chris:elwood.innosoft.com:secret"))
	a1 := md5Hex(string(secret[:]) + ":OA6MG9tEQGm2hh:OA6MHXh6VqTrRk")
	a2 := md5Hex("AUTHENTICATE:pop/elwood.innosoft.com")
	want := md5Hex(fmt.Sprintf("%s:OA6MG9tEQGm2hh:00000001:OA6MHXh6VqTrRk:auth:%s", a1, a2))
	if got := attribute(digest, "response"); got != want {
		t.Errorf("auth-digest-md5:\n got %s\nwant %s", got, want)
	}
}

// fakeTB notes that a test failed, in place of failing it.
type fakeTB struct {
	testing.TB
	failed string
}

func (f *fakeTB) Helper()                   {}
func (f *fakeTB) Fatalf(s string, a ...any) { f.failed = fmt.Sprintf(s, a...); panic(f) }
func (f *fakeTB) Fatal(a ...any)            { f.failed = fmt.Sprint(a...); panic(f) }

func TestLoadFailures(t *testing.T) {
	bad := t.TempDir() + "/bad.txt"
	if err := os.WriteFile(bad, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		load func(tb testing.TB)
		want string
	}{
		{"missing", func(tb testing.TB) { Load(tb, "no-such-dialog") }, "no-such-dialog.txt"},
		{"damaged", func(tb testing.TB) { Load(tb, bad) }, "bad.txt:1"},
		{"empty folder", func(tb testing.TB) { LoadAll(tb, t.TempDir()) }, "no dialogs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fakeTB{TB: t}
			func() {
				defer func() {
					if recover() != any(f) {
						t.Error("did not fail the test")
					}
				}()
				tt.load(f)
			}()
			if !strings.Contains(f.failed, tt.want) {
				t.Errorf("\n got %q\nwant %q in it", f.failed, tt.want)
			}
		})
	}
}
