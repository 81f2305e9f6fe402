package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"popscope/pop3parse"
)

// compileSchema compiles the schema as a JSON Schema validator sees it.
func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate checks one line against the schema.
func validate(s *jsonschema.Schema, line []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// everyLine calls f for each line of jsonl of all cases.
func everyLine(t *testing.T, f func(line []byte)) {
	t.Helper()
	for _, c := range cases {
		for _, show := range []bool{false, true} {
			o := Options{ShowSecrets: show, Files: []string{"a.pcap", "b\xff.pcap"}, Version: "1\xff"}
			for line := range bytes.Lines(render(t, "jsonl", o, c.results(), c.summary())) {
				f(line)
			}
		}
	}
}

func TestEveryLineIsAsTheSchemaSays(t *testing.T) {
	s := compileSchema(t)
	everyLine(t, func(line []byte) {
		if err := validate(s, line); err != nil {
			t.Errorf("%s\n%v", line, err)
		}
	})
}

func TestSchemaRefuses(t *testing.T) {
	s := compileSchema(t)
	const run = `{"type":"run","schema":1,"version":"1","files":[]}`
	if err := validate(s, []byte(run)); err != nil {
		t.Fatalf("a good record: %v", err)
	}
	for _, c := range []struct{ name, line string }{
		{"an unknown key", `{"type":"run","schema":1,"version":"1","files":[],"extra":1}`},
		{"an unknown type", `{"type":"ran"}`},
		{"a missing key", `{"type":"run","schema":1,"version":"1"}`},
		{"null", `{"type":"run","schema":1,"version":null,"files":[]}`},
		{"lines without multiline", `{"type":"exchange","session":"a","n":1,"multiline":false,"pairing":"sure","encrypted":false,"lines":1,"octets":1,"terminated":true}`},
		{"multiline without lines", `{"type":"exchange","session":"a","n":1,"multiline":true,"pairing":"sure","encrypted":false}`},
	} {
		if validate(s, []byte(c.line)) == nil {
			t.Errorf("%s passes", c.name)
		}
	}
}

// contractKeys are the keys of each record in the order in which the
// contract lists them. Keys with _base64 follow the key they belong to.
var contractKeys = map[string]string{
	"run":      "type schema version files",
	"exchange": "type session n verb verb_sent args status text code multiline lines octets terminated sasl pipelined pairing encrypted request_packet reply_packet request_time reply_time think transfer notes",
	"login":    "type session exchange mechanism user authzid secret secret_tag challenge response outcome reason exposure encrypted packet time",
	"message":  "type session exchange number command octets sha256 verdict gaps announced_octets uidl first_packet last_packet subject from to date message_id attachments deleted",
	"session":  "type session client server start end first_packet last_packet packets bytes community_id detected greeting capabilities state closed tls tls_info handshake one_sided lost_bytes exchanges logins messages deleted committed",
	"summary":  "type packets bytes files sessions logins messages findings ignored capture_start capture_end kernel_drops errors",
}

// keysOf returns the keys of an object in the order in which they stand.
func keysOf(t *testing.T, line []byte) []string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(line))
	var keys []string
	depth, isKey := 0, false
	for {
		token, err := d.Token()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
			} else {
				depth--
			}
			if depth == 0 {
				return keys
			}
			isKey = depth == 1
		case string:
			if depth == 1 && isKey {
				keys = append(keys, v)
			}
			isKey = depth == 1 && !isKey
		default:
			isKey = depth == 1
		}
	}
}

func TestKeysStandInTheOrderOfTheContract(t *testing.T) {
	present, absent := map[string]bool{}, map[string]bool{}
	everyLine(t, func(line []byte) {
		got := keysOf(t, line)
		var record struct{ Type string }
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, k := range strings.Fields(contractKeys[record.Type]) {
			name := record.Type + "." + k
			if !slices.Contains(got, k) {
				absent[name] = true
				continue
			}
			present[name] = true
			want = append(want, k)
			if slices.Contains(got, k+"_base64") {
				want = append(want, k+"_base64")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", line, got, want)
		}
	})
	// The fixtures show every key, and leave out every key that may be
	// missing.
	var schema struct {
		Defs map[string]struct {
			Required []string
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(Schema()), &schema); err != nil {
		t.Fatal(err)
	}
	for record, keys := range contractKeys {
		for _, k := range strings.Fields(keys) {
			name := record + "." + k
			if !present[name] {
				t.Errorf("%s is in no record of the fixtures", name)
			}
			if required := slices.Contains(schema.Defs[record].Required, k); required == absent[name] {
				t.Errorf("%s: required is %v, absent somewhere is %v", name, required, absent[name])
			}
		}
	}
}

func TestSchemaKnowsEveryReason(t *testing.T) {
	s := compileSchema(t)
	for r := pop3parse.NoReason; r <= pop3parse.OtherReason; r++ {
		j := &jsonl{}
		j.login("a", &pop3parse.Login{Exchange: 1, Mechanism: "APOP", Reason: r})
		if err := validate(s, j.buf); err != nil {
			t.Errorf("%s: %v", j.buf, err)
		}
	}
}
