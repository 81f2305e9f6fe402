package popscope_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
	"popscope/report"
)

// keyedPacketList returns what `popscope packets --keylog` writes about a
// trace.
func keyedPacketList(t testing.TB, tr capturetest.Trace, keys *tlsdec.KeyLog, format string, o report.PacketOptions) string {
	t.Helper()
	var out bytes.Buffer
	w, err := report.NewPackets(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{Workers: 1, Keys: keys})
	for p, err := range a.Packets(capturetest.Source(tr.Packets(capturetest.Plain()))) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(a.Summary()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// upToSummary cuts off the summary, whose findings other tests know.
func upToSummary(list string) string {
	if i := strings.Index(list, `{"type":"summary"`); i >= 0 {
		return list[:i]
	}
	return list
}

// TestPacketListsInsideTLS compares lists of what was opened with their
// golden ones; -update rewrites them.
func TestPacketListsInsideTLS(t *testing.T) {
	for _, l := range []struct {
		name, recording, format string
		way                     func(capturetest.Trace) capturetest.Trace
		o                       report.PacketOptions
	}{
		{name: "tls13", recording: "dovecot-pop3s"},
		{name: "tls12-stls", recording: "dovecot-stls-tls12"},
		{name: "tls12-cbc", recording: "dovecot-pop3s-cbc"},
		{name: "updates", recording: "dovecot-tls-updates"},
		{name: "split", recording: "dovecot-stls", way: func(tr capturetest.Trace) capturetest.Trace { return tr.Split(100) }},
		{name: "joined", recording: "dovecot-pop3s", way: func(tr capturetest.Trace) capturetest.Trace { return tr.Coalesce(9000) }},
		{name: "shuffled", recording: "dovecot-pop3s", way: func(tr capturetest.Trace) capturetest.Trace { return tr.Split(300).Shuffle(4, 5) }},
		{name: "lossy", recording: "dovecot-pop3s", way: func(tr capturetest.Trace) capturetest.Trace { return tr.DropSome(3, 12) }},
		{name: "full", recording: "dovecot-pop3s", o: report.PacketOptions{Hex: true, Verbose: true}},
		{name: "records", recording: "dovecot-pop3s", format: "jsonl", o: report.PacketOptions{Hex: true, Version: "test"}},
	} {
		t.Run(l.name, func(t *testing.T) {
			file := filepath.Join("testdata", "pcap", l.recording+".pcap")
			tr := traceOf(t, file)
			if l.way != nil {
				tr = l.way(tr)
			}
			extension := ".jsonl"
			if l.format == "" {
				l.format, extension = "table", ".txt"
			}
			list := upToSummary(keyedPacketList(t, tr, keyLogOf(t, file), l.format, l.o))
			golden(t, filepath.Join("testdata", "packets", "inside-"+l.name+extension), list)
		})
	}
}

// ways are what may happen to the packets of a trace.
var ways = map[string]func(capturetest.Trace) capturetest.Trace{
	"as it is":      func(tr capturetest.Trace) capturetest.Trace { return tr },
	"small":         func(tr capturetest.Trace) capturetest.Trace { return tr.Split(61) },
	"joined":        func(tr capturetest.Trace) capturetest.Trace { return tr.Coalesce(9000) },
	"shuffled":      func(tr capturetest.Trace) capturetest.Trace { return tr.Split(200).Shuffle(3, 6) },
	"retransmitted": func(tr capturetest.Trace) capturetest.Trace { return tr.RetransmitLater(7, 40, 6) },
	"with losses":   func(tr capturetest.Trace) capturetest.Trace { return tr.DropSome(3, 20) },
}

// TestPacketsInsideTLS holds what packets carry in TLS to what the analysis
// says of the same capture: each command and each status line begins in the
// packet that the records name, and mails are as long.
func TestPacketsInsideTLS(t *testing.T) {
	type place struct {
		session string
		n       int
		part    pop3parse.Part
	}
	for file, keys := range keyed(t) {
		tr := traceOf(t, file)
		for name, way := range ways {
			packets := way(tr).Packets(capturetest.Plain())
			o := popscope.Options{Workers: 1, Keys: keys}
			want, mail := map[place]int64{}, map[string]int64{}
			for r, err := range popscope.New(o).Results(capturetest.Source(packets)) {
				if err != nil {
					t.Fatal(err)
				}
				for i := range r.Exchanges {
					x := &r.Exchanges[i]
					if !x.Encrypted {
						continue
					}
					if x.RequestFirst.Packet > 0 {
						want[place{r.ID, x.N, pop3parse.Keyword}] = x.RequestFirst.Packet
					}
					if x.Status != pop3parse.NoReply && len(x.SASL) == 0 {
						want[place{r.ID, x.N, pop3parse.Indicator}] = x.ReplyFirst.Packet
					}
				}
				for i := range r.Messages {
					if m := &r.Messages[i]; r.TLS != popscope.NoTLS {
						mail[r.ID] += m.Octets
					}
				}
			}
			got, last := map[place]int64{}, int64(0)
			for p, err := range popscope.New(o).Packets(capturetest.Source(packets)) {
				if err != nil {
					t.Fatal(err)
				}
				if p.Num <= last {
					t.Fatalf("%s, %s: packet %d after %d", filepath.Base(file), name, p.Num, last)
				}
				last = p.Num
				for i := range p.Inside {
					in := &p.Inside[i]
					at := in.Off
					for _, s := range in.Parts {
						if s.Off != at || s.Dir != p.From || !s.Secure {
							t.Errorf("%s, %s: packet %d: a part of plaintext is %+v, and the one before ends at %d", filepath.Base(file), name, p.Num, s, at)
						}
						at = s.End()
						key := place{p.Session, s.Exchange, s.Part}
						if _, ok := got[key]; !ok {
							got[key] = p.Num
						}
						if s.Part == pop3parse.Mail {
							mail[p.Session] -= s.Len
						}
					}
					if at != in.End() && in.Lost == 0 {
						t.Errorf("%s, %s: packet %d: parts of plaintext end at %d of %d", filepath.Base(file), name, p.Num, at, in.End())
					}
				}
			}
			for k, num := range want {
				if got[k] != num && !(got[k] == 0 && name == "with losses") {
					t.Errorf("%s, %s: the %v of exchange %d stands in packet %d, and the record says %d", filepath.Base(file), name, k.part, k.n, got[k], num)
				}
			}
			for id, n := range mail {
				if n != 0 && name != "with losses" {
					t.Errorf("%s, %s: session %s: %d bytes of mail more in the records than in the packets", filepath.Base(file), name, id, n)
				}
			}
			if len(want) == 0 && name != "with losses" {
				t.Errorf("%s, %s: no exchanges in TLS", filepath.Base(file), name)
			}
		}
	}
}

// TestPacketListsHideSecretsInTLS: what is opened is masked as what is in
// clear.
func TestPacketListsHideSecretsInTLS(t *testing.T) {
	total := 0
	for file, keys := range keyed(t) {
		b, err := os.ReadFile(strings.TrimSuffix(file, filepath.Ext(file)) + ".truth.json")
		if err != nil {
			t.Fatal(err)
		}
		var truth struct {
			Sessions []struct {
				Logins []struct{ Password string }
			}
		}
		if err := json.Unmarshal(b, &truth); err != nil {
			t.Fatal(err)
		}
		secrets := map[string]bool{}
		for _, s := range truth.Sessions {
			for _, l := range s.Logins {
				secrets[l.Password] = true
			}
		}
		for r := range popscope.New(popscope.Options{Workers: 1, Keys: keys}).Results(capturetest.Source(traceOf(t, file).Packets(capturetest.Plain()))) {
			for i := range r.Exchanges {
				x := &r.Exchanges[i]
				if words := strings.Fields(string(x.Args.Reveal())); x.Verb == "AUTH" && len(words) > 1 {
					secrets[words[1]] = true
				}
				for _, turn := range x.SASL {
					if turn.From == stream.Client && turn.Data.HasSecret() && len(turn.Data.Reveal()) > 4 {
						secrets[string(turn.Data.Reveal())] = true
					}
				}
			}
		}
		delete(secrets, "")
		total += len(secrets)
		for name, way := range ways {
			tr := way(traceOf(t, file))
			o := report.PacketOptions{Hex: true, Verbose: true}
			lines, records := keyedPacketList(t, tr, keys, "table", o), keyedPacketList(t, tr, keys, "jsonl", o)
			bytesShown := dumped(lines)
			for s := range secrets {
				for where, text := range map[string]string{"lines": lines, "bytes": bytesShown, "records": records} {
					if strings.Contains(text, s) || strings.Contains(text, hex.EncodeToString([]byte(s))) {
						t.Errorf("%s, %s: the %s show %q", filepath.Base(file), name, where, s)
					}
				}
			}
			if o.ShowSecrets = true; name == "as it is" && !anyIn(keyedPacketList(t, tr, keys, "table", o), secrets) {
				t.Errorf("%s: no secret is shown where it should be", filepath.Base(file))
			}
		}
	}
	if total < 10 {
		t.Errorf("%d secrets", total)
	}
}

func anyIn(text string, secrets map[string]bool) bool {
	for s := range secrets {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// TestPacketsWaitForSecrets: where secrets may come, packets wait for those
// that stand behind them; where none are to be expected, nobody waits.
func TestPacketsWaitForSecrets(t *testing.T) {
	_, packets, secrets := withSecrets(t)
	for _, tt := range []struct {
		name     string
		keys     *tlsdec.KeyLog
		complete bool // the log
		none     bool // the source says that it holds no secrets
		opened   bool
	}{
		{"they may come", new(tlsdec.KeyLog), false, false, true},
		{"the source may bring them", new(tlsdec.KeyLog), true, false, true},
		{"the log may bring them", new(tlsdec.KeyLog), false, true, true},
		{"nothing brings any", new(tlsdec.KeyLog), true, true, false},
		{"nobody expects any", nil, false, false, false},
	} {
		src, err := capture.NewReader("x", bytes.NewReader(append(bytes.Clone(packets), secrets...)))
		if err != nil {
			t.Fatal(err)
		}
		read := &counted{Source: src}
		inside, lag := 0, int64(0)
		for p, err := range popscope.New(popscope.Options{Workers: 1, Keys: tt.keys, KeysComplete: tt.complete}).Packets(keyedSource{read, src, !tt.none}) {
			if err != nil {
				t.Fatal(err)
			}
			inside += len(p.Inside)
			lag = max(lag, read.n-p.Num)
		}
		src.Close()
		if (inside > 0) != tt.opened || (lag > 10) != tt.opened {
			t.Errorf("%s: %d packets with plaintext, at most %d packets behind", tt.name, inside, lag)
		}
	}
}

// keyedSource is a source with the secrets of another.
type keyedSource struct {
	capture.Source
	keys interface{ KeyLog() []byte }
	may  bool
}

func (s keyedSource) MayHoldKeys() bool { return s.may }

func (s keyedSource) KeyLog() []byte { return s.keys.KeyLog() }

// TestSmallWindowInsideTLS: packets that cannot wait are shown with what is
// known, each once and in order, and no secret among it.
func TestSmallWindowInsideTLS(t *testing.T) {
	for file, keys := range keyed(t) {
		for _, n := range []int{1, 2, 5, 20} {
			tr := traceOf(t, file).Split(40).Shuffle(uint64(n), 4)
			o := popscope.Options{Workers: 1, Keys: keys}
			o.Limits.Window = n
			a := popscope.New(o)
			var out bytes.Buffer
			w, err := report.NewPackets("table", &out, report.PacketOptions{Hex: true})
			if err != nil {
				t.Fatal(err)
			}
			last := int64(0)
			for p, err := range a.Packets(capturetest.Source(tr.Packets(capturetest.Plain()))) {
				if err != nil {
					t.Fatal(err)
				}
				if p.Num <= last {
					t.Errorf("%s, window of %d: packet %d after %d", filepath.Base(file), n, p.Num, last)
				}
				last = p.Num
				if err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range []string{"wonderland-7", "looking-glass-3", "d29uZGVybGFuZC03", "AGFsaWNlAH"} {
				if strings.Contains(out.String(), s) || strings.Contains(dumped(out.String()), s) {
					t.Errorf("%s, window of %d: %q is shown", filepath.Base(file), n, s)
				}
			}
		}
	}
}

// TestPartOfALineInTLSIsForced: the rest of a line comes when the packet with
// its beginning has been handed on, which has another record with a part of it.
func TestPartOfALineInTLSIsForced(t *testing.T) {
	d, keys := inRecords(t, "S: +OK ready\r\n", "C: USER alice\r\n", "S: +OK\r\n", "C: PA", "C: SS ses", "C: ame\r", "C: \nNOOP\r\nST", "C: AT\r\n", "S: +OK\r\n",
		"S: +", "S: OK\r\n+O", "S: K 0 0\r\n", "C: QUIT\r\n", "S: +OK\r\n")
	whole := d.Trace().Coalesce(9000)
	for size := 40; size < 200; size += 3 {
		for window := 1; window < 6; window++ {
			o := popscope.Options{Workers: 1, Keys: keys}
			o.Limits.Window = window
			var out bytes.Buffer
			w, err := report.NewPackets("table", &out, report.PacketOptions{Hex: true})
			if err != nil {
				t.Fatal(err)
			}
			tr := whole.Split(size).Duplicate(1, 100)
			inside := 0
			for p, err := range popscope.New(o).Packets(capturetest.Source(tr.Packets(capturetest.Plain()))) {
				if err != nil {
					t.Fatal(err)
				}
				inside += len(p.Inside)
				if err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			if inside == 0 {
				t.Errorf("packets of %d bytes, window of %d: nothing was opened", size, window)
			}
			for _, s := range []string{"sesame", "SS ses", "ame\r"} {
				if strings.Contains(out.String(), s) || strings.Contains(dumped(out.String()), s) {
					t.Errorf("packets of %d bytes, window of %d: %q is shown:\n%s", size, window, s, &out)
				}
			}
		}
	}
}
