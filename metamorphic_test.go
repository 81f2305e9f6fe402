package popscope_test

import (
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
)

// TestTransportDoesNotMatter sends every dialog and recording through
// everything that can happen to packets without a byte being lost: the
// records are the same.
func TestTransportDoesNotMatter(t *testing.T) {
	ways := []struct {
		name string
		of   func(capturetest.Trace) capturetest.Trace
	}{
		{"segments of 1", func(t capturetest.Trace) capturetest.Trace { return t.Split(1) }},
		{"segments of 7", func(t capturetest.Trace) capturetest.Trace { return t.Split(7) }},
		{"segments of 100", func(t capturetest.Trace) capturetest.Trace { return t.Split(100) }},
		{"joined segments", func(t capturetest.Trace) capturetest.Trace { return t.Coalesce(9000) }},
		{"shuffled by 2", func(t capturetest.Trace) capturetest.Trace { return t.Shuffle(1, 2) }},
		{"shuffled by 5", func(t capturetest.Trace) capturetest.Trace { return t.Shuffle(2, 5) }},
		{"shuffled by 8", func(t capturetest.Trace) capturetest.Trace { return t.Shuffle(3, 8) }},
		{"shuffled with times", func(t capturetest.Trace) capturetest.Trace { return t.ShuffleWithTimes(4, 4) }},
		{"small and shuffled", func(t capturetest.Trace) capturetest.Trace { return t.Split(20).Shuffle(5, 6) }},
		{"all twice", func(t capturetest.Trace) capturetest.Trace { return t.Duplicate(6, 100) }},
		{"retransmitted", func(t capturetest.Trace) capturetest.Trace { return t.RetransmitLater(7, 40, 6) }},
		{"overlapping", func(t capturetest.Trace) capturetest.Trace { return t.Overlap(8) }},
		{"kept alive", func(t capturetest.Trace) capturetest.Trace { return t.KeepAlives() }},
		{"unfilled checksums", func(t capturetest.Trace) capturetest.Trace { return t.UnfilledChecksums() }},
		{"bad checksums", func(t capturetest.Trace) capturetest.Trace { return t.BadChecksums() }},
		{"sequence wrap", func(t capturetest.Trace) capturetest.Trace { return t.Rebase(0xffffffe0, 0xffffffd0) }},
	}
	for k, n := range capturetest.Some(traces(t)) {
		t.Run(n.name, func(t *testing.T) {
			want := essence(t, analyzeTrace(t, n.trace))
			for i, w := range ways {
				if exempt(n.name, w.name) || testing.Short() && (i+k)%3 > 0 { // the others come up with other dialogs
					continue
				}
				if got := essence(t, analyzeTrace(t, w.of(n.trace))); got != want {
					t.Errorf("%s:\n%s", w.name, diff(got, want))
				}
			}
		})
	}
}

// exempt names what cannot stay the same, with the reason.
func exempt(name, way string) bool {
	starts := strings.HasPrefix(name, "tcp-middle") || strings.HasSuffix(name, "nosyn-flipped")
	switch {
	case strings.Contains(name, "big-mail") && (way == "segments of 1" || way == "segments of 7" || way == "small and shuffled"):
		// Hundreds of thousands of segments, nearly all of one mail, take
		// longer than all else here; dialogs with a body show the same.
		return true
	case strings.HasPrefix(way, "segments of 1") && starts:
		// Without a SYN nobody can tell a first segment of one byte from
		// a keep-alive, or knows that the bytes before it are in reach.
		return true
	case strings.Contains(way, "shuffled") && starts:
		// The first packets may move before each other's place, and what
		// a capture begins with is what it has first.
		return true
	case strings.Contains(way, "shuffled") && strings.HasPrefix(name, "tcp-port-reuse"):
		// Packets move behind the SYN of the next connection on the same
		// addresses and ports.
		return true
	case way == "retransmitted" && strings.HasPrefix(name, "tcp-port-reuse"):
		// What is sent again comes when the next connection has begun, and
		// does not belong to its stream: that is told.
		return true
	case way == "joined segments" && strings.HasPrefix(name, "tcp-lost"):
		// Joining across the loss makes acknowledgements that no host
		// would have sent.
		return true
	}
	return false
}

// TestEncapsulationDoesNotMatter puts every dialog into every link type and
// tunnel.
func TestEncapsulationDoesNotMatter(t *testing.T) {
	for k, n := range capturetest.Some(traces(t)) {
		t.Run(n.name, func(t *testing.T) {
			wants := map[capturetest.Family]string{} // each is that of many encapsulations
			for i, e := range capturetest.Encaps() {
				if testing.Short() && (i+k)%5 > 0 { // the others come up with other dialogs
					continue
				}
				tr := n.trace.For(e)
				want, ok := wants[e.Family]
				if !ok {
					want = essence(t, analyzeTrace(t, tr))
					wants[e.Family] = want
				}
				out, errs := analyze(t, capturetest.Source(tr.Packets(e)), one)
				if len(errs) > 0 {
					t.Fatal(errs)
				}
				if got := essence(t, out); got != want {
					t.Errorf("%s:\n%s", e.Name, diff(got, want))
				}
			}
		})
	}
}

// TestWorkersDoNotMatter compares all output bytes.
func TestWorkersDoNotMatter(t *testing.T) {
	var all []capture.Packet
	var many []capturetest.Trace
	for _, n := range capturetest.Some(traces(t)) {
		many = append(many, n.trace)
	}
	all = capturetest.Merge(many...).Packets(capturetest.Plain())
	want, _ := analyze(t, capturetest.Source(all), popscope.Options{Workers: 1})
	for _, workers := range []int{2, 3, 8, 16} {
		if got, _ := analyze(t, capturetest.Source(all), popscope.Options{Workers: workers}); got != want {
			t.Errorf("%d workers:\n%s", workers, diff(got, want))
		}
	}
}

// TestEverySplitPoint cuts each dialog in two segments at each byte.
func TestEverySplitPoint(t *testing.T) {
	for _, d := range capturetest.Some(capturetest.LoadAll(t, "")) {
		tr := d.Trace()
		points := tr.Bytes()
		step := 1
		switch {
		case points > 4096:
			step = 97 // bodies of many kilobytes: not at every byte of them
		case testing.Short():
			step = 7
		}
		t.Run(d.Name, func(t *testing.T) {
			want := essence(t, analyzeTrace(t, tr))
			begins := beginnings(d.Name, tr)
			for k := 1; k < points; k += step {
				cut := tr.SplitAt(k)
				if begins[k] || len(cut) == len(tr) { // a segment begins there
					continue
				}
				if got := essence(t, analyzeTrace(t, cut)); got != want {
					t.Fatalf("split at byte %d:\n%s", k, diff(got, want))
				}
			}
		})
	}
}

// TestDroppedPairs loses two packets of each dialog, neighbours and next
// but one, and compares by packet times: two replies with the same words
// are not the same reply.
func TestDroppedPairs(t *testing.T) {
	for _, d := range capturetest.Some(capturetest.LoadAll(t, "")) {
		tr := d.Trace()
		if len(tr) > 60 || strings.HasPrefix(d.Name, "not-") {
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			truth := times(t, analyzeTrace(t, tr), false)
			for i := range tr {
				for _, j := range []int{i + 1, i + 2} {
					if j >= len(tr) {
						continue
					}
					out := analyzeTrace(t, tr.Drop(j).Drop(i))
					for pair := range times(t, out, true) {
						if !truth[pair] {
							t.Errorf("without packets %d and %d: called sure: %s\n%s", i+1, j+1, pair, out)
						}
					}
				}
			}
		})
	}
}

// beginnings returns the split points after the first byte of each side of
// a dialog that was caught in the middle: see exempt.
func beginnings(name string, tr capturetest.Trace) map[int]bool {
	out := map[int]bool{}
	if !exempt(name, "segments of 1") {
		return out
	}
	seen := map[bool]bool{}
	n := 0
	for _, s := range tr {
		if len(s.Payload) > 0 && !seen[s.FromClient] {
			seen[s.FromClient] = true
			out[n+1] = true
		}
		n += len(s.Payload)
	}
	return out
}

// TestFilesDoNotMatter cuts captures into several files.
func TestFilesDoNotMatter(t *testing.T) {
	for _, n := range capturetest.Some(traces(t)) {
		packets := n.trace.Packets(capturetest.Plain())
		if len(packets) < 4 {
			continue
		}
		want, _ := analyze(t, openFiles(t, [][]capture.Packet{packets}), one)
		for _, parts := range []int{2, 3, 5} {
			var files [][]capture.Packet
			for i := range parts {
				files = append(files, packets[i*len(packets)/parts:(i+1)*len(packets)/parts])
			}
			files[0], files[parts-1] = files[parts-1], files[0] // the order of the arguments does not matter
			got, _ := analyze(t, openFiles(t, files), one)
			if g, w := withoutSummary(got), withoutSummary(want); g != w {
				t.Errorf("%s in %d files:\n%s", n.name, parts, diff(g, w))
			}
		}
	}
}

// TestDroppedPackets loses each packet of each dialog in turn: nothing may
// be paired wrongly and be called sure, and a loss of bytes is reported.
func TestDroppedPackets(t *testing.T) {
	for _, d := range capturetest.Some(capturetest.LoadAll(t, "")) {
		tr := d.Trace()
		if len(tr) > 400 || strings.HasPrefix(d.Name, "not-") {
			continue // what is no POP3 has no pairs
		}
		t.Run(d.Name, func(t *testing.T) {
			truth := pairs(t, analyzeTrace(t, tr), false)
			for i, seg := range tr {
				out := analyzeTrace(t, tr.Drop(i))
				for pair := range pairs(t, out, true) {
					if !truth[pair] {
						t.Errorf("without packet %d (%s): called sure:\n%s", i+1, seg, pair)
					}
				}
				nothing := !strings.Contains(out, `"type":"session"`) && len(tr.Drop(i).Stream(seg.Conn, seg.FromClient)) == 0
				if len(seg.Payload) > 0 && !reportsLoss(t, out) && lossShows(tr, i) && !nothing {
					t.Errorf("without packet %d (%s): loss not reported:\n%s", i+1, seg, out)
				}
			}
		})
	}
}

// TestServerOnlyHasTheGreeting: where the SYN-ACK is there, the server's first
// line is the greeting, also if nothing of the client was captured.
func TestServerOnlyHasTheGreeting(t *testing.T) {
	for _, name := range []string{"rfc1939-section10", "proxy-text", "server-gmail"} {
		d := capturetest.Load(t, name)
		greeting := func(tr capturetest.Trace) any {
			for _, r := range parseRecords(t, analyzeTrace(t, tr)) {
				if r["type"] == "session" {
					return r["greeting"]
				}
			}
			return nil
		}
		want, got := greeting(d.Trace()), greeting(d.Trace().OneSide(false))
		if want == nil || got != want {
			t.Errorf("%s: greeting %v, want %v", name, got, want)
		}
	}
}

// TestTheOnlySideIsNamed: a session of which one side was captured says
// which.
func TestTheOnlySideIsNamed(t *testing.T) {
	both := capturetest.Load(t, "rfc1939-section10").Trace()
	for want, tr := range map[string]capturetest.Trace{"": both, "server": both.OneSide(false), "client": both.OneSide(true)} {
		sessions := 0
		for _, r := range parseRecords(t, analyzeTrace(t, tr)) {
			if r["type"] != "session" {
				continue
			}
			sessions++
			if got, _ := r["one_sided"].(string); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		if sessions != 1 {
			t.Errorf("%d sessions where one_sided is %q", sessions, want)
		}
	}
}
