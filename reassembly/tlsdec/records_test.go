package tlsdec

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// readRecords feeds a direction in pieces of at most n bytes, and loses the
// bytes [from, to).
func readRecords(b []byte, n, from, to int) []Record {
	var r Records
	for off := 0; off < len(b); {
		end := min(off+n, len(b))
		c := stream.Chunk{Off: int64(100 + off)}
		switch {
		case off == from && to > from:
			end = min(to, len(b))
			c.Lost = int64(end - off)
		default:
			if off < from {
				end = min(end, from)
			}
			c.Data = b[off:end]
		}
		r.Feed(c)
		off = end
	}
	return r.List()
}

func names(list []Record) string {
	var out []string
	for i := range list {
		out = append(out, list[i].String())
	}
	return strings.Join(out, " | ")
}

func TestRecordsAreNamed(t *testing.T) {
	want := [][2]string{
		{
			"Client Hello | Client Key Exchange | Change Cipher Spec | Encrypted Handshake Message",
			"Server Hello, Certificate | Server Key Exchange, Server Hello Done | Change Cipher Spec | Encrypted Handshake Message",
		},
		{"Client Hello | Change Cipher Spec | Encrypted Handshake Message", "Server Hello | Change Cipher Spec | Encrypted Handshake Message"},
		{
			"Client Hello | Change Cipher Spec | Client Hello | Application Data",
			"Server Hello | Change Cipher Spec | Server Hello | Application Data",
		},
	}
	for i, f := range flights() {
		for d, b := range f {
			whole := readRecords(b, len(b), 0, 0)
			if got := names(whole); got != want[i][d] {
				t.Errorf("flight %d, direction %d:\n got %s\nwant %s", i, d, got, want[i][d])
			}
			if got := readRecords(b, 1, 0, 0); !reflect.DeepEqual(got, whole) {
				t.Errorf("flight %d, direction %d, a byte at a time:\n got %+v\nwant %+v", i, d, got, whole)
			}
			end := int64(100)
			for _, r := range whole {
				if r.Off != end {
					t.Errorf("flight %d, direction %d: a record at %d, want %d", i, d, r.Off, end)
				}
				end += r.Len
			}
		}
	}
}

func TestRecordsWithoutKeys(t *testing.T) {
	alert := tlsRecord(recordAlert, []byte{2, 40})
	for _, c := range []struct {
		name     string
		b        []byte
		from, to int
		want     string
	}{
		{"an alert in clear", alert, 0, 0, "Alert (handshake_failure)"},
		{"an encrypted alert", tlsRecord(recordAlert, make([]byte, 26)), 0, 0, "Encrypted Alert"},
		{"no TLS", []byte("+OK hello"), 0, 0, ""},
		{"a loss inside of a record", append(tlsRecord(recordData, make([]byte, 50)), alert...), 20, 40, "Application Data | Alert (handshake_failure)"},
		{"a loss inside of a handshake message", tlsRecord(recordHandshake, append(handshakeMessage(typeServerKeyExchange, make([]byte, 50)), handshakeMessage(typeServerHelloDone, nil)...)),
			20, 40, "Server Key Exchange, Server Hello Done"},
		{"a loss at the end of a handshake message", tlsRecord(recordHandshake, append(handshakeMessage(typeServerKeyExchange, make([]byte, 50)), handshakeMessage(typeServerHelloDone, nil)...)),
			50, 59, "Server Key Exchange, Server Hello Done"},
		{"a loss over the end of a handshake message", tlsRecord(recordHandshake, append(handshakeMessage(typeServerKeyExchange, make([]byte, 50)), handshakeMessage(typeServerHelloDone, nil)...)),
			50, 60, "Server Key Exchange"},
		{"a loss that hides where records begin", append(tlsRecord(recordData, make([]byte, 50)), alert...), 20, 57, "Application Data"},
		{"a header that is not whole", alert[:3], 0, 0, "record"},
		{"SSL 2.0", []byte{0x80, 0x2e, 1, 0, 2, 0, 0}, 0, 0, "record"},
	} {
		if got := names(readRecords(c.b, 7, c.from, c.to)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzRecords: any bytes are welcome, however they are cut, and the records
// follow each other.
func FuzzRecords(f *testing.F) {
	for _, fl := range flights() {
		f.Add(fl[0], 3, 10, 20)
		f.Add(fl[1], 50, 0, 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, n, from, to int) {
		if n < 1 || len(b) > 1<<14 || from < 0 || to < from {
			return
		}
		got := readRecords(b, n, from, to)
		if again := readRecords(bytes.Clone(b), 1, from, to); !reflect.DeepEqual(got, again) {
			t.Fatalf("cut by %d: %+v, by 1: %+v", n, got, again)
		}
		end := int64(100)
		for i := range got {
			if got[i].Off != end {
				t.Fatalf("record %d at %d, want %d", i, got[i].Off, end)
			}
			end += got[i].Len
			_ = got[i].String() + got[i].TypeName()
		}
	})
}
