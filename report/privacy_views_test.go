package report

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
)

// encodings are the forms in which a secret could leave: in clear, and in
// base64, hexadecimal and URL encoding. All are searched for without
// regard to the case of letters.
func encodings(s string) []string {
	var percent strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&percent, "%%%02x", s[i])
	}
	forms := []string{s, Inert(s), hex.EncodeToString([]byte(s)), strings.TrimSpace(fmt.Sprintf("% x", s)),
		url.QueryEscape(s), url.PathEscape(s), percent.String()}
	// Inside longer base64 a secret stands at one of three places of a
	// group, and the letters that it shares with its neighbours differ.
	for before := range 3 {
		padded := append(make([]byte, before), s...)
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := e.EncodeToString(padded)
			text = text[(before*8+5)/6:]
			text = text[:len(s)*8/6-1]
			if before == 0 {
				text = e.EncodeToString(padded[:len(s)/3*3])
			}
			if len(text) >= 6 {
				forms = append(forms, text)
			}
		}
	}
	for i := range forms {
		forms[i] = strings.ToLower(forms[i])
	}
	return forms
}

// TestEncodings holds encodings to what it says of base64.
func TestEncodings(t *testing.T) {
	const s = "wonderland-7"
	for before := range 7 {
		for after := range 3 {
			out := strings.ToLower(base64.StdEncoding.EncodeToString([]byte("alice\x00\x00"[:before] + s + "xyz"[:after])))
			found := false
			for _, form := range encodings(s) {
				found = found || strings.Contains(out, form)
			}
			if !found {
				t.Errorf("after %d octets and before %d: not found in %s", before, after, out)
			}
		}
	}
}

// ordinaryWords are secrets of the test data that stand in outputs for
// other reasons.
var ordinaryWords = map[string]bool{"password": true, "secret": true, "wrong": true}

// TestNoViewBetraysSecrets renders every dialog and every recording in every
// format of every view, with every record, and looks for each secret in
// every encoding. Formats that are added are looked at by themselves.
func TestNoViewBetraysSecrets(t *testing.T) {
	type input struct {
		name string
		open func() capture.Source
	}
	var inputs []input
	for _, dir := range []string{"", filepath.Join("..", "pop3parse", "audit", "testdata")} {
		for _, d := range capturetest.LoadAll(t, dir) {
			inputs = append(inputs, input{d.Name, d.Source})
		}
	}
	recordings, err := filepath.Glob(filepath.Join("..", "testdata", "pcap", "*.pcap*"))
	if err != nil || len(recordings) < 20 {
		t.Fatalf("%d recordings: %v", len(recordings), err)
	}
	for _, file := range recordings {
		if st, err := os.Stat(file); err != nil || st.Size() > 256<<10 {
			continue
		}
		inputs = append(inputs, input{filepath.Base(file), func() capture.Source {
			src, err := capture.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { src.Close() })
			return src
		}})
	}

	const onRequest = "with secrets" // the test of the test
	shown, rendered := 0, 0
	for _, in := range capturetest.Some(inputs) {
		secrets := make(map[string]bool)
		var users []string
		// Each result is used before the next one comes, so that one
		// analysis serves all formats.
		opt := Options{Bodies: AllBodies, Verbose: true}
		a := popscope.New(popscope.Options{Workers: 1, KeepBody: KeepBody("transcript", opt)})
		outs := make(map[string]*bytes.Buffer)
		var writers []Writer
		for _, view := range []View{SessionView, AuditView} {
			for _, format := range FormatsOf(view) {
				for _, records := range [][]string{nil, RecordTypes()} {
					o := opt
					o.View, o.Records = view, records
					out := &bytes.Buffer{}
					outs[fmt.Sprintf("%s in view %d, records %v", format, view, records)] = out
					w, err := New(format, out, o)
					if err != nil {
						t.Fatal(err)
					}
					writers = append(writers, w)
				}
			}
		}
		outs[onRequest] = &bytes.Buffer{}
		w, err := New("jsonl", outs[onRequest], Options{ShowSecrets: true})
		if err != nil {
			t.Fatal(err)
		}
		writers = append(writers, w)
		for r, err := range a.Results(in.open()) {
			if err != nil {
				continue // the dialog says that the capture is damaged
			}
			collectSecrets(secrets, r)
			for i := range r.Logins {
				users = append(users, strings.ToLower(string(r.Logins[i].User)))
			}
			for _, w := range writers {
				if err := w.Write(r); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, w := range writers {
			if err := w.Close(a.Summary()); err != nil {
				t.Fatal(err)
			}
		}
		// A user name is shown, whatever else it is used for.
		for s := range secrets {
			isUser := slices.ContainsFunc(users, func(u string) bool { return strings.Contains(u, strings.ToLower(s)) })
			if len(s) < 4 || ordinaryWords[s] || isUser {
				delete(secrets, s)
			}
		}
		forms := make(map[string][]string, len(secrets))
		for s := range secrets {
			forms[s] = encodings(s)
		}
		for how, out := range outs {
			rendered++
			low := bytes.ToLower(out.Bytes())
			for s := range secrets {
				for _, form := range forms[s] {
					if !bytes.Contains(low, []byte(form)) {
						continue
					}
					if how == onRequest {
						shown++
					} else {
						t.Errorf("%s, %s: shows the secret %q as %q", in.name, how, s, form)
					}
				}
			}
		}
	}
	if (shown < 300 || rendered < 2000) && !testing.Short() || shown == 0 {
		t.Errorf("with secrets on request only %d were found, in %d renderings", shown, rendered)
	}
}
