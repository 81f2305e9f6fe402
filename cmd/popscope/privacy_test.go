package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// TestNoCommandBetraysSecrets runs every command that reads captures over
// the recordings, in every format and with all that makes it say more, and
// looks for each secret in what it prints and in what it writes.
func TestNoCommandBetraysSecrets(t *testing.T) {
	recordings, err := filepath.Glob(filepath.Join("..", "..", "testdata", "pcap", "*.pcap*"))
	if err != nil {
		t.Fatal(err)
	}
	recordings = slices.DeleteFunc(recordings, func(f string) bool {
		st, err := os.Stat(f)
		return err != nil || st.Size() > 256<<10
	})
	if len(recordings) < 20 {
		t.Fatalf("only %d recordings", len(recordings))
	}
	recordings = capturetest.Some(recordings)
	least := 20
	if testing.Short() {
		least = 4
	}
	secrets := secretsOf(t, recordings)
	if len(secrets) < least {
		t.Fatalf("only %d secrets", len(secrets))
	}
	// The test of the test.
	if got := runWith(strings.NewReader(""), append([]string{"analyze", "--json", "--show-secrets"}, recordings...)...); len(found([]byte(got.stdout), secrets)) < least/2 {
		t.Error("secrets are not found where they are shown on request")
	}
	everyCommand(t, func(t *testing.T, cmd *cobra.Command) {
		if !strings.HasSuffix(cmd.Use, "FILE...") {
			t.Skip("reads no captures")
		}
		formats := []string{""}
		if f := cmd.Flags().Lookup("format"); f != nil {
			_, names, _ := strings.Cut(f.Usage, ": ")
			names, _, _ = strings.Cut(names, ";")
			formats = strings.Split(names, ", ")
		}
		for _, format := range formats {
			out := t.TempDir()
			args := strings.Fields(cmd.CommandPath())[1:]
			if need := needed[cmd.Name()]; need != nil {
				args = append(args, need(out)...)
			}
			if format != "" {
				args = append(args, "--format", format)
			}
			for _, more := range []struct{ flag, value string }{{"verbose", ""}, {"hex", ""}, {"bodies", "all"}, {"attachments", ""}} {
				f := cmd.Flags().Lookup(more.flag)
				switch {
				case f == nil, more.flag == "bodies" && format != "transcript", more.flag == "hex" && format == "jsonl":
				case more.value == "":
					args = append(args, "--"+more.flag)
				default:
					args = append(args, "--"+more.flag, more.value)
				}
			}
			inputs := recordings
			if cmd.Name() == "sanitize" {
				inputs = recordings[:1] // one capture makes one
			}
			got := runWith(strings.NewReader(""), append(args, inputs...)...)
			if got.status != statusDone {
				t.Fatalf("%v: status %d, %s", args, got.status, got.stderr)
			}
			look := func(where string, b []byte) {
				for _, s := range found(b, secrets) {
					t.Errorf("%s as %q: %s has the secret %q", cmd.Name(), format, where, s)
				}
			}
			look("standard output", []byte(got.stdout))
			look("standard error", []byte(got.stderr))
			err := filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				b, err := os.ReadFile(path)
				look(d.Name(), b)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// secretsOf returns what clients of the captures proved themselves with.
func secretsOf(t *testing.T, files []string) []string {
	t.Helper()
	src, err := capture.Open(files...)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var secrets, users []string
	add := func(b []byte) {
		if len(b) >= 6 {
			secrets = append(secrets, string(b))
		}
	}
	a := popscope.New(popscope.Options{NoMail: true})
	for r, err := range a.Results(src) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Exchanges {
			x := &r.Exchanges[i]
			if x.Verb == pop3parse.PASS {
				add(x.Args.Reveal())
			}
			for _, turn := range x.SASL {
				if turn.From == stream.Client {
					add(turn.Data.Reveal())
				}
			}
		}
		for i := range r.Logins {
			add(r.Logins[i].Secret.Reveal())
			add(r.Logins[i].Response.Reveal())
			users = append(users, string(r.Logins[i].User))
		}
	}
	slices.Sort(secrets)
	return slices.DeleteFunc(slices.Compact(secrets), func(s string) bool {
		return slices.ContainsFunc(users, func(u string) bool { return strings.Contains(u, s) })
	})
}

// found returns the secrets that b holds in clear, in base64, hexadecimal
// or URL encoding, in any case of letters.
func found(b []byte, secrets []string) []string {
	low := bytes.ToLower(b)
	var out []string
	for _, s := range secrets {
		for _, form := range []string{
			s, base64.RawStdEncoding.EncodeToString([]byte(s)[:len(s)/3*3]), base64.RawURLEncoding.EncodeToString([]byte(s)[:len(s)/3*3]),
			hex.EncodeToString([]byte(s)), url.QueryEscape(s), url.PathEscape(s),
		} {
			if bytes.Contains(low, []byte(strings.ToLower(form))) {
				out = append(out, s)
				break
			}
		}
	}
	return out
}
