package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// auditRight returns a check of what audit counts.
func auditRight(popscope string) func(*workload, string) (string, error) {
	return func(w *workload, _ string) (string, error) {
		found, err := records(exec.Command(popscope, "audit", "-q", "--format", "jsonl", "--records", "login,summary", w.file))
		if err != nil {
			return "", err
		}
		return found.compare(w, false), nil
	}
}

// analyzeRight returns a check of what analyze finds, down to the digests.
func analyzeRight(popscope string) func(*workload, string) (string, error) {
	return func(w *workload, _ string) (string, error) {
		found, err := records(exec.Command(popscope, "analyze", "-q", "--format", "jsonl", "--records", "login,message,summary", w.file))
		if err != nil {
			return "", err
		}
		return found.compare(w, true), nil
	}
}

// record is what is looked at of a line of jsonl.
type record struct {
	Type      string `json:"type"`
	Sessions  int64  `json:"sessions"`
	Outcome   string `json:"outcome"`
	Mechanism string `json:"mechanism"`
	Octets    int64  `json:"octets"`
	SHA256    string `json:"sha256"`
}

// records runs a command of ours and sums up its records.
func records(cmd *exec.Cmd) (truth, error) {
	var found truth
	out, err := cmd.StdoutPipe()
	if err != nil {
		return found, err
	}
	if err := cmd.Start(); err != nil {
		return found, err
	}
	var sum [32]byte
	lines := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return found, err
		}
		var r record
		// A finding's sessions are a list: it fails to parse, and is not looked at.
		if json.Unmarshal(line, &r) != nil {
			continue
		}
		switch r.Type {
		case "summary":
			found.Sessions = r.Sessions
		case "login":
			found.Logins++
			switch {
			case r.Outcome == "failure":
				found.LoginsFailed++
			case r.Mechanism == "APOP":
				found.LoginsAPOP++
			case r.Mechanism == "PLAIN":
				found.LoginsPlain++
			}
		case "message":
			digest, err := hex.DecodeString(r.SHA256)
			if err != nil {
				return found, err
			}
			found.message(&sum, r.Octets, digest)
		}
	}
	found.MessageHash = hex.EncodeToString(sum[:])
	return found, cmd.Wait()
}

// message adds a message to the truth found so far.
func (t *truth) message(sum *[32]byte, octets int64, digest []byte) {
	t.Messages++
	t.MessageOctets += octets
	for i, b := range digest {
		sum[i] ^= b
	}
}

// compare says what differs from the truth.
func (t truth) compare(w *workload, messages bool) string {
	want := w.truth
	want.Packets = 0
	if !messages {
		want.Messages, want.MessageOctets, want.MessageHash = 0, 0, t.MessageHash
	}
	if t == want {
		return "right"
	}
	return fmt.Sprintf("WRONG: %+v, not %+v", t, want)
}

// extractRight extracts the messages and compares the files with the truth.
func extractRight(w *workload, dir string) (string, error) {
	out := filepath.Join(dir, "out")
	if _, err := execute([]string{filepath.Join(filepath.Dir(w.file), "popscope"), "extract", "-q", "-o", out, w.file}, nil); err != nil {
		return "", err
	}
	var found truth
	var sum [32]byte
	err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".eml") {
			return err
		}
		b, err := os.ReadFile(path)
		digest := sha256.Sum256(b)
		found.message(&sum, int64(len(b)), digest[:])
		return err
	})
	found.MessageHash = hex.EncodeToString(sum[:])
	want := truth{Messages: w.truth.Messages, MessageOctets: w.truth.MessageOctets, MessageHash: w.truth.MessageHash}
	if found == want {
		return "right", err
	}
	return fmt.Sprintf("WRONG: %+v, not %+v", found, want), err
}

// packetsRight returns a check of how many packets are listed. All are of POP3
// connections.
func packetsRight(popscope string) func(*workload, string) (string, error) {
	return func(w *workload, _ string) (string, error) {
		var lines counter
		if _, err := execute([]string{popscope, "packets", "-q", w.file}, &lines); err != nil {
			return "", err
		}
		if int64(lines) == w.truth.Packets {
			return "right", nil
		}
		return fmt.Sprintf("WRONG: %d packets, not %d", lines, w.truth.Packets), nil
	}
}

// counter counts the lines that are written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(bytes.Count(b, []byte("\n")))
	return len(b), nil
}

// sanitizeRight returns a check of the sessions in a sanitized capture.
func sanitizeRight(popscope string) func(*workload, string) (string, error) {
	return func(w *workload, dir string) (string, error) {
		shared := filepath.Join(dir, "shared.pcap")
		if _, err := execute([]string{popscope, "sanitize", "-q", "-o", shared, w.file}, nil); err != nil {
			return "", err
		}
		found, err := records(exec.Command(popscope, "audit", "-q", "--format", "jsonl", "--records", "login,summary", shared))
		if err != nil {
			return "", err
		}
		return found.compare(w, false), nil
	}
}

// processor returns the machine's description, as far as the system tells.
func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(b) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && string(bytes.TrimSpace(name)) == "model name" {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}
