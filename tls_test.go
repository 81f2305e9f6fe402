package popscope_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	mathrand "math/rand/v2"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
)

// keyed returns the recordings whose TLS secrets were recorded too, with
// them.
func keyed(t testing.TB) map[string]*tlsdec.KeyLog {
	t.Helper()
	all := map[string]*tlsdec.KeyLog{}
	for _, file := range recordings(t) {
		if keys := keyLogOf(t, file); keys != nil {
			all[file] = keys
		}
	}
	if len(all) < 10 {
		t.Fatalf("%d recordings with keys", len(all))
	}
	return all
}

// analyzeKeyed returns the records of a trace that is opened with keys.
func analyzeKeyed(t testing.TB, tr capturetest.Trace, keys *tlsdec.KeyLog) string {
	t.Helper()
	out, errs := analyze(t, capturetest.Source(tr.Packets(capturetest.Plain())), popscope.Options{Workers: 1, Keys: keys})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return out
}

// encryptionMarks is what the records of a session in TLS may differ in from
// those of the same dialogue in clear: how it travelled, what that exposed,
// and the timestamp in the greeting.
var encryptionMarks = []string{
	"encrypted", "exposure", "tls", "tls_info", "client", "server", "bytes", "closed", "greeting", "detected", "handshake", "challenge", "server_software", // known by more: its reply to STLS
}

// TestSameAsInClear compares each session in TLS of the recordings that hold
// one dialogue several times with the one in clear.
func TestSameAsInClear(t *testing.T) {
	compared := 0
	for file, keys := range keyed(t) {
		src, err := capture.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := analyze(t, src, popscope.Options{Workers: 1, Keys: keys})
		src.Close()
		var clear string
		sessions := splitSessions(t, out)
		for _, s := range sessions {
			if s.tls == "none" {
				clear = s.text
			}
		}
		if clear == "" {
			continue // one of the recordings with one session
		}
		for _, s := range sessions {
			if s.tls == "none" || strings.Count(s.text, `"type":"exchange"`) != strings.Count(clear, `"type":"exchange"`) {
				continue
			}
			compared++
			if s.text != clear {
				t.Errorf("%s, %s:\n%s", filepath.Base(file), s.id, diff(s.text, clear))
			}
			if s.encrypted != strings.Count(s.text, `"type":"exchange"`)+strings.Count(s.text, `"type":"login"`) {
				t.Errorf("%s, %s: %d exchanges and logins are marked as encrypted", filepath.Base(file), s.id, s.encrypted)
			}
		}
	}
	if compared < 22 {
		t.Errorf("only %d sessions compared", compared)
	}
}

// oneSession is a session's records without encryptionMarks.
type oneSession struct {
	id, tls, text string
	encrypted     int // exchanges and logins marked so
}

// splitSessions parts records by session. The STLS exchange, and the number
// that it adds to those behind it, are left out.
func splitSessions(t *testing.T, out string) []oneSession {
	t.Helper()
	var all []oneSession
	var now oneSession
	shift := 0.0
	for _, r := range parseRecords(t, out) {
		if r["type"] == "run" || r["type"] == "summary" || r["type"] == "finding" {
			continue
		}
		last := r["type"] == "session"
		if last {
			now.id, now.tls = r["session"].(string), r["tls"].(string)
			r["exchanges"] = r["exchanges"].(float64) - shift
		}
		if r["verb"] == "STLS" {
			shift = 1
			continue
		}
		if r["encrypted"] == true {
			now.encrypted++
		}
		for _, k := range []string{"n", "exchange"} {
			if n, ok := r[k].(float64); ok {
				r[k] = n - shift
			}
		}
		for _, k := range append(encryptionMarks, transportKeys...) {
			delete(r, k)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		now.text += string(b) + "\n"
		if last {
			all = append(all, now)
			now, shift = oneSession{}, 0
		}
	}
	return all
}

// decrypted returns the plaintext of each direction of a connection in a
// trace.
func decrypted(t *testing.T, tr capturetest.Trace, conn int, keys *tlsdec.KeyLog) (plain [2][]byte) {
	t.Helper()
	d := tlsdec.NewDecryptor(keys)
	d.Keys(keys.Mark())
	take := func() {
		for c, ok := d.Next(); ok; c, ok = d.Next() {
			if c.Lost > 0 {
				t.Errorf("%d bytes lost", c.Lost)
			}
			plain[c.Dir] = append(plain[c.Dir], c.Data...)
		}
	}
	for dir, fromClient := range []bool{true, false} {
		b := tr.Stream(conn, fromClient)
		start := bytes.Index(b, []byte{0x16, 3}) // behind what is in clear before STLS
		if start < 0 {
			return plain
		}
		d.Feed(stream.Chunk{Dir: stream.Dir(dir), Data: b[start:], PeerAcked: -1})
		take()
	}
	d.Close()
	take()
	return plain
}

// TestSameAsTshark compares the plaintext with what tshark makes of the same
// file with the same key log.
func TestSameAsTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	for file, keys := range keyed(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			log := strings.TrimSuffix(file, filepath.Ext(file)) + ".keylog"
			tr := traceOf(t, file)
			conns := map[int]bool{}
			args := []string{"-n", "-r", file, "-o", "tls.keylog_file:" + log, "-q"}
			for _, s := range tr {
				if !conns[s.Conn] {
					args = append(args, "-z", fmt.Sprintf("follow,tls,raw,%d", len(conns)))
				}
				conns[s.Conn] = true
			}
			text, err := exec.Command("tshark", args...).Output()
			if err != nil {
				t.Fatal(err)
			}
			theirs := map[string]bool{}
			for part := range strings.SplitSeq(string(text), "Follow: tls,raw") {
				var sides [2]string
				for l := range strings.Lines(part) {
					side := 0
					if strings.HasPrefix(l, "\t") {
						side = 1
					}
					if b, err := hex.DecodeString(strings.TrimSpace(l)); err == nil {
						sides[side] += string(b)
					}
				}
				// Which side comes first depends on who spoke first.
				theirs[sides[0]+"|"+sides[1]], theirs[sides[1]+"|"+sides[0]] = true, true
			}
			for conn := range conns {
				plain := decrypted(t, tr, conn, keys)
				if key := string(plain[0]) + "|" + string(plain[1]); !theirs[key] {
					t.Errorf("connection %d: tshark has nothing like\n%q", conn, key)
				}
			}
		})
	}
}

// TestTLSTransportDoesNotMatter sends the recordings with keys through what
// can happen to packets without a byte being lost.
func TestTLSTransportDoesNotMatter(t *testing.T) {
	for file, keys := range keyed(t) {
		tr := traceOf(t, file)
		want := essence(t, analyzeKeyed(t, tr, keys))
		for name, other := range map[string]capturetest.Trace{
			"segments of 7": tr.Split(7), "segments of 100": tr.Split(100), "joined": tr.Coalesce(9000),
			"shuffled": tr.Shuffle(2, 5), "small and shuffled": tr.Split(200).Shuffle(3, 6), "shuffled with times": tr.ShuffleWithTimes(4, 4),
			"retransmitted": tr.RetransmitLater(7, 40, 6), "overlapping": tr.Overlap(8),
		} {
			if got := essence(t, analyzeKeyed(t, other, keys)); got != want {
				t.Errorf("%s, %s:\n%s", filepath.Base(file), name, diff(got, want))
			}
		}
	}
}

// TestTLSDroppedPackets loses each packet in turn: no wrong plaintext is
// ever shown as sure, and no message is complete that is not.
func TestTLSDroppedPackets(t *testing.T) {
	opened := 0
	for file, keys := range keyed(t) {
		tr := traceOf(t, file)
		whole := analyzeKeyed(t, tr, keys)
		truth, mails := pairs(t, whole, false), completeMails(t, whole)
		for i := range tr {
			if len(tr[i].Payload) == 0 || testing.Short() && i%4 != 0 {
				continue
			}
			out := analyzeKeyed(t, tr.Drop(i), keys)
			for pair := range pairs(t, out, true) {
				if !truth[pair] {
					t.Errorf("%s without packet %d: called sure: %s", filepath.Base(file), i+1, pair)
				}
			}
			for mail := range completeMails(t, out) {
				if !mails[mail] {
					t.Errorf("%s without packet %d: called complete: %s", filepath.Base(file), i+1, mail)
				}
			}
			// A close_notify may be missing without a trace: it is no data.
			same := strings.Count(out, `"pairing":"sure"`) == strings.Count(whole, `"pairing":"sure"`)
			if !same && !reportsLoss(t, out) && lossShows(tr, i) {
				t.Errorf("%s without packet %d: loss not reported", filepath.Base(file), i+1)
			}
			opened += strings.Count(out, `"decrypted":true`)
		}
	}
	if opened == 0 {
		t.Error("nothing was opened behind a gap")
	}
}

// TestSTLSNotCaptured: what follows an STLS that was not captured is opened all
// the same.
func TestSTLSNotCaptured(t *testing.T) {
	for _, name := range []string{"tcp-lost-stls", "tcp-middle-of-stls", "tcp-middle-of-tls"} {
		d := capturetest.Load(t, name)
		keys := new(tlsdec.KeyLog)
		if _, err := keys.ReadFrom(strings.NewReader(d.KeyLog)); err != nil {
			t.Fatal(err)
		}
		for way, tr := range map[string]capturetest.Trace{
			"as it is": d.Trace(), "segments of 7": d.Trace().Split(7), "retransmitted": d.Trace().RetransmitLater(1, 40, 6),
		} {
			out := analyzeKeyed(t, tr, keys)
			if len(completeMails(t, out)) != 1 || !strings.Contains(out, `"tls":"stls"`) || !strings.Contains(out, `"exposure":"protected"`) {
				t.Errorf("%s, %s:\n%s", name, way, out)
			}
		}
	}
}

// TestReplyToSTLSBehindTheHello: where a capture begins with STLS just sent,
// and has the ClientHello before the reply to it, the server is not said to
// speak no TLS.
func TestReplyToSTLSBehindTheHello(t *testing.T) {
	tr := capturetest.Load(t, "tcp-middle-of-stls").Trace()
	tr[0], tr[1] = tr[1], tr[0]
	out := analyzeKeyed(t, tr, new(tlsdec.KeyLog))
	if !strings.Contains(out, `"tls":"stls"`) || strings.Contains(out, "server_in_clear") || strings.Contains(out, "tls-failed") {
		t.Error(out)
	}
}

func completeMails(t *testing.T, out string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, r := range parseRecords(t, out) {
		if r["type"] == "message" && r["verdict"] == "complete" {
			found[fmt.Sprint(r["octets"], r["sha256"])] = true // of a lost command the number is not known
		}
	}
	return found
}

// withSecrets returns a pcapng file with TLS secrets, and its blocks apart.
func withSecrets(t *testing.T) (whole, packets, secrets []byte) {
	t.Helper()
	whole, err := os.ReadFile("testdata/pcap/dovecot-pop3s-secrets.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	const secretsBlock = 10
	for rest := whole; len(rest) > 0; {
		n := binary.LittleEndian.Uint32(rest[4:])
		if binary.LittleEndian.Uint32(rest) == secretsBlock {
			secrets = append(secrets, rest[:n]...)
		} else {
			packets = append(packets, rest[:n]...)
		}
		rest = rest[n:]
	}
	if len(secrets) == 0 {
		t.Fatal("no secrets in the file")
	}
	return whole, packets, secrets
}

// TestSecretsBehindThePackets moves the secrets of a pcapng file to its end:
// the sessions are opened all the same, whatever the number of workers.
func TestSecretsBehindThePackets(t *testing.T) {
	b, packets, secrets := withSecrets(t)
	read := func(b []byte, workers int) string {
		src, err := capture.NewReader("x", bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		out, errs := analyze(t, src, popscope.Options{Workers: workers})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		return out
	}
	want := read(b, 1)
	if !strings.Contains(want, `"type":"login"`) {
		t.Fatal("the file as it was is not opened")
	}
	for _, workers := range []int{1, 2, 7} {
		if got := read(append(bytes.Clone(packets), secrets...), workers); got != want {
			t.Errorf("%d workers:\n%s", workers, diff(got, want))
		}
	}
	if got := read(packets, 1); strings.Contains(got, `"type":"login"`) || !strings.Contains(got, `"obstacle":"no_keys"`) {
		t.Errorf("without secrets:\n%s", got)
	}
}

// growing is a source whose key log is written while its packets come: some
// lines before each, and what is left of it before the end.
type growing struct {
	capture.Source
	keys  *tlsdec.KeyLog
	lines [][]byte
	every int // how many packets come for a line, about
	rng   *mathrand.Rand
}

func (s *growing) Next(p *capture.Packet) error {
	err := s.Source.Next(p)
	for len(s.lines) > 0 && (err != nil || s.rng.IntN(s.every) == 0) {
		s.keys.Write(s.lines[0])
		s.lines = s.lines[1:]
	}
	return err
}

// TestSecretsBetweenPackets: whenever the secrets come, one by one, the
// sessions are opened as if they had been there from the beginning.
func TestSecretsBetweenPackets(t *testing.T) {
	for file := range keyed(t) {
		tr := traceOf(t, file)
		want := analyzeKeyed(t, tr, keyLogOf(t, file))
		for seed := range uint64(5) {
			src := &growing{
				Source: capturetest.Source(tr.Packets(capturetest.Plain())), keys: new(tlsdec.KeyLog), lines: bytes.SplitAfter(keyLogText(t, file), []byte("\n")),
				every: 2 << seed, rng: mathrand.New(mathrand.NewPCG(seed, 1)),
			}
			got, errs := analyze(t, src, popscope.Options{Workers: 1 + int(seed)%2, Keys: src.keys})
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			if got != want {
				t.Errorf("%s, seed %d:\n%s", file, seed, diff(got, want))
			}
		}
	}
}

// TestSecretsThatAreNotUsed: blocks of secrets that are damaged are counted.
func TestSecretsThatAreNotUsed(t *testing.T) {
	_, packets, secrets := withSecrets(t)
	binary.LittleEndian.PutUint32(secrets[12:], 1<<20) // the length of the secrets
	src, err := capture.NewReader("x", bytes.NewReader(append(bytes.Clone(packets), secrets...)))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	out, errs := analyze(t, src, one)
	if len(errs) > 0 || !strings.Contains(out, `"tls_secret_blocks":1`) || strings.Contains(out, `"type":"login"`) {
		t.Errorf("errors %v\n%s", errs, out)
	}
}

// tape is a connection that writes down what both ends send, as the lines of
// a dialog.
type tape struct {
	net.Conn
	mark string
	mu   *sync.Mutex
	text *strings.Builder
}

func (c tape) Write(p []byte) (int, error) {
	c.mu.Lock()
	fmt.Fprintf(c.text, "%s= %s\n", c.mark, base64.StdEncoding.EncodeToString(p))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// inTLS runs a dialogue, whose lines begin with C or S, in TLS, and returns
// the dialog of it and the keys.
func inTLS(t *testing.T, lines ...string) (*capturetest.Dialog, *tlsdec.KeyLog) {
	t.Helper()
	said := make([]string, len(lines))
	for i, l := range lines {
		said[i] = l + "\r\n"
	}
	return inRecords(t, said...)
}

// inRecords is inTLS for what are no whole lines: each is a record.
func inRecords(t *testing.T, records ...string) (*capturetest.Dialog, *tlsdec.KeyLog) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keys := new(tlsdec.KeyLog)
	near, far := net.Pipe()
	var mu sync.Mutex
	var text strings.Builder
	ends := map[string]*tls.Conn{
		"C": tls.Client(tape{near, "C", &mu, &text}, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: keys}),
		"S": tls.Server(tape{far, "S", &mu, &text}, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}),
	}
	speak := func(me string) error {
		for _, r := range records {
			said := r[3:]
			var err error
			if r[:1] == me {
				_, err = ends[me].Write([]byte(said))
			} else {
				_, err = io.ReadFull(ends[me], make([]byte, len(said)))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	done := make(chan error)
	go func() { done <- speak("S") }()
	if err := speak("C"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	d, err := capturetest.Parse("inside", "! server 192.0.2.10:995\n"+text.String())
	if err != nil {
		t.Fatal(err)
	}
	return d, keys
}

// TestWhatIsInsideOfTLS: on port 995 there may be anything.
func TestWhatIsInsideOfTLS(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		pop3  bool
	}{
		{"POP3", []string{"S: +OK ready", "C: USER alice", "S: +OK", "C: PASS sesame", "S: +OK", "C: QUIT", "S: +OK"}, true},
		{"IMAP", []string{"S: * OK IMAP4rev1 ready", "C: a1 LOGIN alice sesame", "S: a1 OK done", "C: a2 LOGOUT", "S: * BYE"}, false},
		{"HTTP", []string{"C: GET / HTTP/1.1", "S: HTTP/1.1 200 OK", "C: GET / HTTP/1.1", "S: HTTP/1.1 200 OK"}, false},
	} {
		d, keys := inTLS(t, tt.lines...)
		out := analyzeKeyed(t, d.Trace(), keys)
		if got := strings.Contains(out, `"type":"session"`); got != tt.pop3 {
			t.Errorf("%s: a session: %v\n%s", tt.name, got, out)
		}
		if got := strings.Contains(out, `"not_pop3_in_tls":1`); got == tt.pop3 {
			t.Errorf("%s: counted as something else: %v\n%s", tt.name, got, out)
		}
		without := analyzeKeyed(t, d.Trace(), nil)
		if !strings.Contains(without, `"obstacle":"no_keys"`) {
			t.Errorf("%s without keys:\n%s", tt.name, without)
		}
	}
}

// TestSSL2: the hellos of SSL 2.0 name a cipher that has no number of TLS.
func TestSSL2(t *testing.T) {
	hello := func(body string) string {
		return base64.StdEncoding.EncodeToString(append([]byte{0x80, byte(len(body))}, body...))
	}
	client := hello("\x01\x00\x02\x00\x03\x00\x00\x00\x10\x01\x00\x80" + strings.Repeat("c", 16))
	server := hello("\x04\x00\x01\x00\x02\x00\x00\x00\x03\x00\x10\x01\x00\x80" + strings.Repeat("s", 16))
	d, err := capturetest.Parse("SSL 2.0", "! server 192.0.2.10:995\nC= "+client+"\nS= "+server+"\n")
	if err != nil {
		t.Fatal(err)
	}
	out := analyzeKeyed(t, d.Trace(), nil)
	if !strings.Contains(out, `"version":"SSL 2.0"`) || !strings.Contains(out, `"obstacle":"version_unsupported"`) || !strings.Contains(out, `"rule":"tls-obsolete"`) {
		t.Errorf("not told as SSL 2.0: %s", out)
	}
	if strings.Contains(out, "NULL") || strings.Contains(out, "tls-weak-cipher") {
		t.Errorf("a cipher that was not chosen: %s", out)
	}
}

// TestAllLostInTLS: a session of which but the handshake was captured is
// told, with keys as without.
func TestAllLostInTLS(t *testing.T) {
	d, keys := inTLS(t, "S: +OK ready", "C: USER alice", "S: +OK", "C: PASS sesame", "S: +OK", "C: QUIT", "S: +OK")
	const handshake = 3 // segments: ClientHello, the server's flight, Finished
	carrying := 0
	tr := slices.DeleteFunc(d.Trace(), func(s capturetest.Segment) bool {
		if len(s.Payload) > 0 {
			carrying++
		}
		return len(s.Payload) > 0 && carrying > handshake
	})
	out := analyzeKeyed(t, tr, keys)
	if !strings.Contains(out, `"decrypted":true`) || !strings.Contains(out, `"rule":"bytes-lost"`) || strings.Contains(out, "not_pop3_in_tls") {
		t.Errorf("got %s", out)
	}
}

// TestEstimates compares what the sizes of records suggest with what the
// clients fetched.
func TestEstimates(t *testing.T) {
	compared := 0
	for file := range keyed(t) {
		base := strings.TrimSuffix(file, filepath.Ext(file))
		b, err := os.ReadFile(base + ".truth.json")
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			Sessions []struct {
				TLS      string `json:"tls"`
				Messages []struct{ Octets float64 }
			}
		}
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		src, err := capture.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := analyze(t, src, one)
		src.Close()
		got := map[string]int{}
		for _, r := range parseRecords(t, out) {
			info, _ := r["tls_info"].(map[string]any)
			if info == nil {
				continue
			}
			e, ok := info["estimate"].(map[string]any)
			if !ok {
				t.Errorf("%s: no estimate in %v", base, info)
				continue
			}
			// CBC hides up to a block and a MAC for each record.
			got[fmt.Sprint(e["messages"], " ", int(e["octets"].(float64))/100)]++
		}
		for _, s := range want.Sessions {
			if s.TLS == "none" {
				continue
			}
			compared++
			octets := 0.0
			for _, m := range s.Messages {
				octets += m.Octets
			}
			key := fmt.Sprint(len(s.Messages), " ", int(octets)/100)
			if got[key]--; got[key] < 0 {
				t.Errorf("%s: no estimate is %d messages and about %.0f octets; left: %v", base, len(s.Messages), octets, got)
			}
		}
	}
	if compared < 25 {
		t.Errorf("%d sessions compared", compared)
	}
}
