package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// metrics serves the counts of a live run in the text format of Prometheus.
// Labels come from closed sets: no names, addresses or texts from the wire.
type metrics struct {
	count *tally
	open  func() int64
	drops func() uint64
}

// metricsAddress completes the address of --metrics: a port alone is on the
// loopback, where nobody else can see it.
func metricsAddress(text string) (string, error) {
	if !strings.Contains(text, ":") {
		text = ":" + text
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", err
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return "", fmt.Errorf("%q is no port", port)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// serve answers on l until ctx is done.
func (m *metrics) serve(ctx context.Context, l net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		m.write(w)
	})
	s := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 8 << 10,
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	s.Serve(l)
}

// write writes all counts.
func (m *metrics) write(w io.Writer) {
	c := m.count
	one := func(name, kind, help string, n int64) {
		fmt.Fprintf(w, "# HELP popscope_%s %s\n# TYPE popscope_%s %s\npopscope_%s %d\n", name, help, name, kind, name, n)
	}
	one("packets_total", "counter", "Packets that passed the kernel filter.", c.packets.Load())
	one("bytes_total", "counter", "Bytes on the wire of those packets.", c.bytes.Load())
	one("kernel_drops_total", "counter", "Packets that the kernel had no room for.", int64(m.drops()))
	one("packets_written_total", "counter", "Packets kept in files.", c.written.Load())
	one("packets_not_written_total", "counter", "Packets that could not be kept in files.", c.unwritten.Load())
	one("connections_undecided_total", "counter", "Connections given up before they had shown whether they are POP3, of which packets were not kept.", c.undecided.Load())
	one("results_not_written_total", "counter", "Sessions, or parts of them, that the output had no room for.", c.unreported.Load())
	one("sessions_open", "gauge", "POP3 sessions under way.", m.open())
	one("sessions_total", "counter", "POP3 sessions that have ended.", c.closed.Load())
	one("messages_total", "counter", "Messages seen.", c.messages.Load())
	fmt.Fprint(w, "# HELP popscope_logins_total Logins, by outcome and by what a reader of the traffic gains.\n# TYPE popscope_logins_total counter\n")
	for o, outcome := range outcomes {
		for e, exposure := range exposures {
			fmt.Fprintf(w, "popscope_logins_total{outcome=%q,exposure=%q} %d\n", outcome, exposure, c.logins[o][e].Load())
		}
	}
	fmt.Fprint(w, "# HELP popscope_findings_total Findings about single sessions, by severity.\n# TYPE popscope_findings_total counter\n")
	for s, severity := range severities {
		fmt.Fprintf(w, "popscope_findings_total{severity=%q} %d\n", severity, c.findings[s].Load())
	}
}
