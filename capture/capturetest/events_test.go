package capturetest

import (
	"fmt"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

func renderEvents(events []stream.Event) string {
	var b strings.Builder
	for _, e := range events {
		switch e.Kind {
		case stream.Opened:
			fmt.Fprintf(&b, "opened %v known=%v handshake=%v\n", e.Conn.Server, e.Conn.ClientKnown, e.Conn.Handshake)
		case stream.Closed:
			fmt.Fprintf(&b, "closed %v\n", e.Conn.Close)
		default:
			c := e.Chunk
			fmt.Fprintf(&b, "%d %v %d", c.At.Packet, c.Dir, c.Off)
			if c.Lost > 0 {
				fmt.Fprintf(&b, " lost %d", c.Lost)
			} else {
				fmt.Fprintf(&b, " %q", c.Data)
			}
			fmt.Fprintf(&b, " acked %d\n", c.PeerAcked)
		}
	}
	return b.String()
}

func TestEvents(t *testing.T) {
	tests := []struct {
		name, text string
		mutate     func(Trace) Trace
		want       string
	}{
		{"a session", "S: +OK\nC: QUIT\nS: +OK", Trace.Clone, `
opened 192.0.2.10:110 known=true handshake=true
4 server 0 "+OK\r\n" acked 0
5 client 0 "QUIT\r\n" acked 5
6 server 5 "+OK\r\n" acked 6
closed fin
`},
		{"a loss, found by what follows", "C| ab\n! lost\nC| cd\nS| x\nC| ef\n! rst client", Trace.Clone, `
opened 192.0.2.10:110 known=true handshake=true
4 client 0 "ab" acked 0
6 server 0 "x" acked 4
7 client 2 lost 2 acked 1
7 client 4 "ef" acked 1
closed rst
`},
		{"cut packets", "! nosyn\n! noclose\nC| abcd\nS| x", func(t Trace) Trace { return t.CutPayload(1) }, `
opened 192.0.2.10:110 known=false handshake=false
1 client 0 "a" acked 0
1 client 1 lost 3 acked 0
2 server 0 "x" acked 4
closed open
`},
		{"one side", "C| abcd\nS| x\nC| y", func(t Trace) Trace { return t.OneSide(false) }, `
opened 192.0.2.10:110 known=true handshake=false
2 server 0 "x" acked 4
closed open
`},
		{"copies", "! nosyn\n! noclose\nC| abcd\nS| x", func(t Trace) Trace { return t.Split(1).Duplicate(1, 100) }, `
opened 192.0.2.10:110 known=false handshake=false
1 client 0 "a" acked 0
3 client 1 "b" acked 0
5 client 2 "c" acked 0
7 client 3 "d" acked 0
9 server 0 "x" acked 4
closed open
`},
		{"data after the FIN of the other side", "! nosyn\nC| ab\n! fin client\nS| cd", Trace.Clone, `
opened 192.0.2.10:110 known=false handshake=false
1 client 0 "ab" acked 0
3 server 0 "cd" acked 2
closed fin
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := renderEvents(tt.mutate(mustParse(t, tt.text)).Events())
			if want := strings.TrimPrefix(tt.want, "\n"); got != want {
				t.Errorf("\n got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// TestEventsOfDialogs: the chunks of each direction follow each other and
// hold its stream.
func TestEventsOfDialogs(t *testing.T) {
	for _, d := range LoadAll(t, "") {
		trace := d.Trace()
		next := map[*stream.Conn]*[2]int64{}
		data := map[*stream.Conn]*[2]string{}
		var order []*stream.Conn
		for _, e := range trace.Events() {
			switch e.Kind {
			case stream.Opened:
				next[e.Conn], data[e.Conn] = &[2]int64{}, &[2]string{}
				order = append(order, e.Conn)
			case stream.Data:
				c := e.Chunk
				if c.Off != next[e.Conn][c.Dir] || c.Len() == 0 {
					t.Fatalf("%s: chunk at %d of %d bytes, want one at %d", d.Name, c.Off, c.Len(), next[e.Conn][c.Dir])
				}
				next[e.Conn][c.Dir] += c.Len()
				data[e.Conn][c.Dir] += string(c.Data)
				if c.PeerAcked > next[e.Conn][c.Dir.Other()] && !lossy(d) {
					t.Errorf("%s: packet %d has seen %d bytes of %d", d.Name, c.At.Packet, c.PeerAcked, next[e.Conn][c.Dir.Other()])
				}
			}
		}
		for conn, c := range order {
			for _, dir := range []stream.Dir{stream.Client, stream.Server} {
				// Connections open in another order than they are declared in.
				if trace.Conns() == 1 {
					if got, want := data[c][dir], string(trace.Stream(conn, dir == stream.Client)); got != want {
						t.Errorf("%s: %v\n got %q\nwant %q", d.Name, dir, got, want)
					}
				}
				if int64(len(data[c][dir])) != c.Bytes[dir] || next[c][dir]-int64(len(data[c][dir])) != c.Lost[dir] {
					t.Errorf("%s: %v: counts %v and %v", d.Name, dir, c.Bytes, c.Lost)
				}
			}
		}
	}
}
