package popscope_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/reassembly/tlsdec"
)

// openFiles writes packets as capture files and opens them.
func openFiles(t testing.TB, files [][]capture.Packet) *capture.Timeline {
	t.Helper()
	var names []string
	for i, packets := range files {
		name := filepath.Join(t.TempDir(), fmt.Sprintf("%d.pcap", i))
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := capturetest.WritePcap(f, packets); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	src, err := capture.Open(names...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

// withoutSummary drops the last line, which names the files.
func withoutSummary(out string) string {
	i := strings.LastIndex(strings.TrimSuffix(out, "\n"), "\n")
	return out[:i+1]
}

// pairs returns each command with its status line, as one text; with sure,
// only those whose pairing is sure and that have a reply.
func pairs(t testing.TB, out string, sure bool) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, r := range parseRecords(t, out) {
		if r["type"] != "exchange" || sure && (r["pairing"] != "sure" || r["status"] == nil) {
			continue
		}
		found[fmt.Sprint(r["verb"], " ", r["args"], " -> ", r["status"], " ", r["text"])] = true
	}
	return found
}

// times returns the times of each command and its reply, as one text; with
// sure, only those whose pairing is sure and whose command and reply were
// captured undamaged.
func times(t testing.TB, out string, sure bool) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, r := range parseRecords(t, out) {
		if r["type"] != "exchange" || r["request_time"] == nil || r["reply_time"] == nil {
			continue
		}
		notes := fmt.Sprint(r["notes"])
		if sure && (r["pairing"] != "sure" || strings.Contains(notes, "damaged")) {
			continue
		}
		found[fmt.Sprint(r["verb"], " ", r["request_time"], " -> ", r["reply_time"])] = true
	}
	return found
}

// reportsLoss reports whether any record says that bytes are missing.
func reportsLoss(t testing.TB, out string) bool {
	t.Helper()
	for _, r := range parseRecords(t, out) {
		if r["type"] != "session" {
			continue
		}
		lost := r["lost_bytes"].(map[string]any)
		if lost["client"].(float64)+lost["server"].(float64) > 0 || r["handshake"] == false {
			return true
		}
	}
	return false
}

// lossShows reports whether the capture without packet i can show that it
// is missing: something later acknowledges it or comes after it.
func lossShows(tr capturetest.Trace, i int) bool {
	end := tr[i].Seq + uint32(len(tr[i].Payload))
	for _, s := range tr[i+1:] {
		if s.Conn != tr[i].Conn {
			continue
		}
		if s.FromClient == tr[i].FromClient && int32(s.Seq-end) >= 0 && (len(s.Payload) > 0 || s.Has(1)) {
			return true
		}
		if s.FromClient != tr[i].FromClient && int32(s.Ack-end) >= 0 {
			return true
		}
	}
	return false
}

// truth is what the recording script knew of a capture.
type truth struct {
	Sessions []struct {
		User, Mechanism, Outcome string
		Committed                *bool
		Messages                 []struct {
			Number, Octets int
			SHA256         string
		}
	}
}

// TestRecordings compares the captures of real software with what the
// script that recorded them knew.
func TestRecordings(t *testing.T) {
	for _, file := range recordings(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			base := strings.TrimSuffix(file, ".gz")
			base = strings.TrimSuffix(base, filepath.Ext(base))
			b, err := os.ReadFile(base + ".truth.json")
			if err != nil {
				t.Fatal(err)
			}
			var want truth
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			src, err := capture.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			out, errs := analyze(t, src, popscope.Options{Workers: 1, Keys: keyLogOf(t, file)})
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			compareTruth(t, parseRecords(t, out), want)
		})
	}
}

// keyLogOf returns the TLS secrets that were recorded with a capture, or nil.
func keyLogOf(t testing.TB, file string) *tlsdec.KeyLog {
	t.Helper()
	text := keyLogText(t, file)
	if text == nil {
		return nil
	}
	keys := new(tlsdec.KeyLog)
	if keys.Write(text); keys.Mark() == 0 {
		t.Fatalf("%s: no secrets in its key log", file)
	}
	return keys
}

// keyLogText returns the key log that was recorded with a file, or nil if
// there is none.
func keyLogText(t testing.TB, file string) []byte {
	t.Helper()
	base := strings.TrimSuffix(file, ".gz")
	text, err := os.ReadFile(strings.TrimSuffix(base, filepath.Ext(base)) + ".keylog")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return text
}

func compareTruth(t *testing.T, recs []record, want truth) {
	t.Helper()
	var sessions int
	messages := map[string]int{}
	logins := map[string]int{}
	refusedUser := false
	for _, r := range recs {
		switch r["type"] {
		case "session":
			sessions++
			if info, ok := r["tls_info"].(map[string]any); ok && (info["decrypted"] != true || info["obstacle"] != nil || info["bad_records"] != nil) {
				t.Errorf("TLS: %v", info)
			}
			if lost := r["lost_bytes"].(map[string]any); lost["client"] != 0.0 || lost["server"] != 0.0 {
				t.Errorf("bytes lost: %v", lost)
			}
		case "message":
			messages[fmt.Sprintf("%v %.0f %v %v", r["number"], r["octets"], r["sha256"], r["verdict"])]++
		case "login":
			logins[fmt.Sprint(r["user"], " ", r["outcome"])]++
		case "exchange":
			refusedUser = refusedUser || r["verb"] == "USER" && r["status"] == "-ERR"
			if r["pairing"] != "sure" {
				t.Errorf("exchange %v is %v", r["n"], r["pairing"])
			}
		}
	}
	if sessions != len(want.Sessions) {
		t.Errorf("sessions: got %d, want %d", sessions, len(want.Sessions))
	}
	for _, s := range want.Sessions {
		for _, m := range s.Messages {
			key := fmt.Sprint(m.Number, " ", m.Octets, " ", m.SHA256, " complete")
			if messages[key]--; messages[key] < 0 {
				t.Errorf("message %s not found", key)
			}
		}
		// A refused USER is an exchange but no login: nothing secret was tried.
		if s.Outcome != "" && s.User != "" && !refusedUser {
			if logins[s.User+" "+s.Outcome] == 0 {
				t.Errorf("login of %s with %s not found in %v", s.User, s.Outcome, logins)
			}
		}
	}
	for key, n := range messages {
		if n > 0 {
			t.Errorf("message %s nobody knew of", key)
		}
	}
}

// TestCorpus holds the output against captures made by others. They are
// not part of the repository: POPSCOPE_CORPUS names the folder.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("POPSCOPE_CORPUS")
	if dir == "" {
		t.Skip("POPSCOPE_CORPUS does not name a folder of captures")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed")
	}
	bin := filepath.Join(t.TempDir(), "popscope")
	if out, err := exec.Command("go", "build", "-o", bin, "./cmd/popscope").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command("python3", filepath.Join(dir, "compare.py"), bin, dir).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "facts held:") {
		t.Errorf("compare.py said:\n%s", out)
	}
	t.Log(string(out[strings.LastIndex(strings.TrimSpace(string(out)), "\n")+1:]))
}
