package tlsdec

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"testing"

	"popscope/reassembly/stream"
)

// TestRecordsDoNotMatter cuts the plaintext of a handshake into other records.
func TestRecordsDoNotMatter(t *testing.T) {
	client, server := configs(makeIdentity(t, "p256"), tls.VersionTLS12)
	r := mustRecord(t, client, server)
	want := unstamped(r.watch())
	for _, size := range []int{1, 2, 3, 5, 7, 100, 1000} {
		w := NewWatcher()
		for _, d := range []stream.Dir{stream.Client, stream.Server} {
			var plain []byte
			b, ccs := r.side(d), false
			for len(b) > 0 {
				n := recordHeader + int(b[3])<<8 + int(b[4])
				if ccs = ccs || b[0] != recordHandshake; ccs {
					break
				}
				plain = append(plain, b[recordHeader:n]...)
				b = b[n:]
			}
			for len(plain) > 0 {
				n := min(size, len(plain))
				w.Feed(stream.Chunk{Dir: d, Data: tlsRecord(recordHandshake, plain[:n])})
				plain = plain[n:]
			}
			w.Feed(stream.Chunk{Dir: d, Data: b})
		}
		if got := unstamped(w.Info()); !reflect.DeepEqual(got, want) {
			t.Errorf("records of %d bytes\ngot  %+v\nwant %+v", size, got, want)
		}
	}
}

// TestLosses takes bytes away at every place: what is told must be true of
// the whole connection.
func TestLosses(t *testing.T) {
	for name, r := range samples(t) {
		t.Run(name, func(t *testing.T) {
			whole := r.watch()
			for _, d := range []stream.Dir{stream.Client, stream.Server} {
				b := r.side(d)
				step := max(1, len(b)/150)
				if testing.Short() {
					step *= 5
				}
				for at := 0; at < len(b); at += step {
					for _, n := range []int{1, 6, 40, 500} {
						n = min(n, len(b)-at)
						w := NewWatcher()
						w.Feed(stream.Chunk{Dir: d.Other(), Data: r.side(d.Other())})
						w.Feed(stream.Chunk{Dir: d, Data: b[:at]})
						w.Feed(stream.Chunk{Dir: d, Lost: int64(n)})
						w.Feed(stream.Chunk{Dir: d, Data: b[at+n:]})
						if got := w.Info(); got != nil && !partOf(got, whole) {
							t.Fatalf("%v, %d bytes lost at %d\ngot   %+v\nwhole %+v", d, n, at, got, whole)
						}
					}
				}
			}
		})
	}
}

// partOf reports whether a says nothing but what b says.
func partOf(a, b *stream.TLSInfo) bool {
	x, y := reflect.ValueOf(*unstamped(a)), reflect.ValueOf(*unstamped(b))
	for i := range x.NumField() {
		if !x.Field(i).IsZero() && !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			return false
		}
	}
	return true
}

func TestLossInsideOfAMessage(t *testing.T) {
	client, server := configs(makeIdentity(t, "p256"), tls.VersionTLS12)
	r := mustRecord(t, client, server)
	b := r.side(stream.Server)
	at := bytes.Index(b, []byte("mail.example.org")) // in the certificate
	for _, tt := range []struct {
		name      string
		at, n     int
		cert      bool
		completed bool
	}{
		{"inside of the certificate", at, 10, false, true},
		{"all that follows in the record", recordHeader + 60, int(b[3])<<8 + int(b[4]) - 60, true, true},
		{"more than the record", at, len(b) - at - 1, false, false},
		{"from the start", 0, 1, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := NewWatcher()
			w.Feed(stream.Chunk{Dir: stream.Client, Data: r.side(stream.Client)})
			w.Feed(stream.Chunk{Dir: stream.Server, Data: b[:tt.at]})
			w.Feed(stream.Chunk{Dir: stream.Server, Lost: int64(tt.n)})
			w.Feed(stream.Chunk{Dir: stream.Server, Data: b[tt.at+tt.n:]})
			got := w.Info()
			if (got.Certificate != nil) != tt.cert || got.Completed != tt.completed || got.Resumed {
				t.Errorf("got %+v", got)
			}
		})
	}
}
