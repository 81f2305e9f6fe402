package popscope_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/pop3parse/fingerprint"
)

// TestSoftwareOfRecordings compares what is said of servers and clients with
// what the recording script knew of them.
func TestSoftwareOfRecordings(t *testing.T) {
	servers := map[string]string{
		"dovecot": "Dovecot", "cyrus": "Cyrus IMAP", "courier": "Courier", "popa3d": "popa3d", "solid": "Solid POP3", "mailutils": "GNU Mailutils",
	}
	clients := map[string]string{"curl": "curl", "fetchmail": "fetchmail", "mpop": "mpop"}
	// One session of these shows too little.
	few := map[string]string{
		"dovecot-auth-cancelled": "the client leaves after CAPA and AUTH",
		"popa3d-curl":            "CAPA, USER, PASS and RETR is what others do too",
		"dovecot-stls-tls12":     "the client speaks in TLS after CAPA and STLS",
	}
	of := func(table map[string]string, text string) string {
		for word, name := range table {
			if strings.HasPrefix(strings.ToLower(text), word) {
				return name
			}
		}
		return ""
	}
	recognised := map[string]bool{}
	for _, file := range recordings(t) {
		base := strings.TrimSuffix(filepath.Base(file), ".gz")
		base = strings.TrimSuffix(base, filepath.Ext(base))
		t.Run(base, func(t *testing.T) {
			b, err := os.ReadFile("testdata/pcap/" + base + ".truth.json")
			if err != nil {
				t.Fatal(err)
			}
			var truth struct{ Server, Client string }
			if err := json.Unmarshal(b, &truth); err != nil {
				t.Fatal(err)
			}
			server, client := of(servers, truth.Server), of(clients, truth.Client)
			if server == "" {
				t.Fatalf("what is %q?", truth.Server)
			}
			if few[base] != "" {
				client = ""
			}
			src, err := capture.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			first := true
			for r, err := range popscope.New(one).Results(src) {
				if err != nil {
					t.Fatal(err)
				}
				name := func(s *fingerprint.Software) string {
					if s == nil {
						return ""
					}
					recognised[s.Name] = true
					return s.Name
				}
				gotServer, gotClient := name(r.ServerSoftware), name(r.ClientSoftware)
				if r.TLS != popscope.NoTLS { // without keys nothing is told; with them perhaps not enough
					if gotServer != "" && gotServer != server || gotClient != "" && gotClient != client {
						t.Errorf("in TLS: got %q and %q, want %q and %q", gotServer, gotClient, server, client)
					}
					continue
				}
				// The second session of a tour is a failed login.
				if gotServer != server && (first || gotServer != "") {
					t.Errorf("server: got %q, want %q", gotServer, server)
				}
				if gotClient != client {
					t.Errorf("client: got %q, want %q", gotClient, client)
				}
				first = false
			}
		})
	}
	if len(recognised) < len(servers)+len(clients) {
		t.Errorf("recognised only %v", recognised)
	}
}

// TestNoSoftware: nothing is named, and all else is as it is.
func TestNoSoftware(t *testing.T) {
	run := func(none bool) (named int, findings int64) {
		opt := one
		opt.NoSoftware = none
		a := popscope.New(opt)
		src, err := capture.Open(recordings(t)...)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		for r, err := range a.Results(src) {
			if err != nil {
				t.Fatal(err)
			}
			if r.ServerSoftware != nil {
				named++
			}
			if r.ClientSoftware != nil {
				named++
			}
		}
		return named, a.Summary().Findings
	}
	named, findings := run(false)
	none, same := run(true)
	if named == 0 || none != 0 || findings != same {
		t.Errorf("%d named and %d findings, without software %d and %d", named, findings, none, same)
	}
}
