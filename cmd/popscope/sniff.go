package main

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"popscope"
	"popscope/capture"
	"popscope/capture/live"
)

// sniffFlags are the flags of sniff beside those that it shares.
type sniffFlags struct {
	interfaces  []string
	filter      string
	tunnels     bool
	promiscuous bool
	libpcap     bool
	snaplen     int
	buffer      string
	fanout      int
	onDown      string

	write      string
	rotateSize string
	rotateTime time.Duration
	maxFiles   int

	follow  bool
	runAs   string
	metrics string
}

// readAhead is how many bytes of packets may wait in memory for the analysis:
// so the kernel's buffer is emptied at once even when threads have to wait for
// a processor, which on a busy machine takes longer than a round.
const readAhead = 32 << 20

// sniffing is a live run: checked flags.
type sniffing struct {
	*traffic
	out     *output
	capture live.Options
	files   *capture.Rotation // nil: packets are not kept
	runAs   string
	metrics string
}

// sniffCommand returns `popscope sniff`.
func (p *program) sniffCommand() *cobra.Command {
	var in trafficFlags
	var out outputFlags
	var f sniffFlags
	cmd := &cobra.Command{
		Use:   "sniff [flags] -i IFACE",
		Short: "Report POP3 sessions live, from network interfaces",
		Long: `sniff reports the POP3 sessions on network interfaces as they end, until
Ctrl-C or SIGTERM; sessions still open then are reported as open. What it
reports is what analyze reports of the same packets; only the table on
standard output has sessions in the order of their ends. Where it falls
behind, messages pass without digest and outline rather than that packets are
lost, and the summary counts them.

With --fanout an interface that was removed is not captured when it is back,
because sockets of a group cannot be bound again.

The kernel passes TCP of the chosen ports only; with --detect content it
passes all TCP. --tunnels lets through what is in tunnels too, on any port.

It needs the right CAP_NET_RAW, or to be started as root. Once it captures it
gives up all rights: a program started as root goes on as --run-as.

SIGHUP opens the files of --output and --write anew, for logrotate. With
--output, the formats jsonl, csv and transcript are written on as they come;
the others appear at the end. From a file that is there already, others than
its owner and group can no longer read.

With --rotate-size or --rotate-time, --write mail.pcapng makes files
mail_00001_20261125150453.pcapng and so on, with the time (UTC) of the first
packet; they are in order by name.

With --follow, exchanges are written as they finish, so that those of
different sessions alternate; the record of a session comes after all of its
own.`,
		Example: `  popscope sniff -i eth0
  popscope sniff -i any --json -o /var/log/popscope.jsonl
  popscope sniff -i eth0 --follow -f transcript
  popscope sniff -i eth0 --write mail.pcapng --rotate-time 1h --max-files 24`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := f.check(p, cmd, &in, &out)
			if err != nil {
				return err
			}
			return p.sniff(s)
		},
	}
	cmd.Flags().SortFlags = false
	f.register(p, cmd)
	out.register(p, cmd)
	cmd.Flags().Lookup("output").Usage = "write to `FILE`, made so that only you can read it: jsonl, csv and transcript as they come, behind what is there; the others when all is over"
	in.registerScope(p, cmd, "ports")
	return cmd
}

// register adds the flags to a command.
func (f *sniffFlags) register(p *program, cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringArrayVarP(&f.interfaces, "interface", "i", nil, "capture on `IFACE`, or on any; may be repeated; see popscope interfaces")
	s.BoolVar(&f.follow, "follow", false, "report exchanges as they finish (jsonl, csv, transcript)")
	s.StringVar(&f.write, "write", "", "keep the packets in `FILE`, as pcapng that only you can read")
	s.StringVar(&f.rotateSize, "rotate-size", "", "begin a new file at `SIZE`, as in 100M or 2G")
	s.DurationVar(&f.rotateTime, "rotate-time", 0, "begin a new file after `TIME`, as in 15m or 24h")
	s.IntVar(&f.maxFiles, "max-files", 0, "remove the oldest file of this run when there are more than `N`")
	s.StringVar(&f.filter, "filter", "", "let the kernel pass what the tcpdump expression `EXPR` says; needs a program with libpcap")
	s.BoolVar(&f.tunnels, "tunnels", false, "look into tunnels too (GRE, IP in IP, VXLAN, GENEVE, GTP, L2TP, TZSP, MPLS)")
	s.BoolVar(&f.promiscuous, "promiscuous", false, "see frames to other stations too, where the network shows them")
	s.IntVar(&f.snaplen, "snaplen", 0, "capture `N` bytes of each packet at most; without it all")
	s.StringVar(&f.buffer, "buffer-size", "64M", "`SIZE` of the kernel's buffer for each interface")
	s.IntVar(&f.fanout, "fanout", 1, "have the kernel deal connections among `N` sockets, for cards with many queues (Linux)")
	s.StringVar(&f.onDown, "on-down", "retry", "`WHAT` to do when an interface goes down or away: retry, end")
	s.StringVar(&f.runAs, "run-as", "nobody", "`USER` to go on as when started as root")
	s.StringVar(&f.metrics, "metrics", "", "serve counts for Prometheus at `ADDR`; a port alone is on the loopback")
	s.BoolVar(&f.libpcap, "libpcap", false, "capture through libpcap, where the program has it")
	p.completeValues(cmd, map[string][]string{"on-down": {"retry", "end"}})
}

// check checks the flags. Everything it returns an error for is wrong usage.
func (f *sniffFlags) check(p *program, cmd *cobra.Command, in *trafficFlags, out *outputFlags) (*sniffing, error) {
	s := &sniffing{traffic: &traffic{}, runAs: f.runAs}
	if err := in.checkWanted(s.traffic); err != nil {
		return nil, err
	}
	var err error
	if s.out, err = out.check(cmd, s.traffic, p.terminal); err != nil {
		return nil, err
	}
	s.out.report.Files = f.interfaces
	s.analysis.Ahead, s.analysis.Hurry = readAhead, true
	if err := s.notOverwritten(cmd, "--write", f.write); err != nil {
		return nil, err
	}
	for _, check := range []func(*sniffing) error{f.checkCapture, f.checkWrite, f.checkReport} {
		if err := check(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// checkCapture checks where and how packets are captured.
func (f *sniffFlags) checkCapture(s *sniffing) error {
	switch {
	case len(f.interfaces) == 0:
		return usage("name one with -i; popscope interfaces lists them", "no interface given")
	case slices.Contains(f.interfaces, live.Any) && len(f.interfaces) > 1:
		return usage("-i any is all of them", "-i any goes with no other interface")
	case f.onDown != "retry" && f.onDown != "end":
		return usage("retry or end", "unknown --on-down %q", f.onDown)
	case (f.filter != "" || f.libpcap) && !live.HasLibpcap:
		return usage("build it with: go build -tags libpcap; without it --ports and --host choose what is reported", "--filter and --libpcap need libpcap, and this program is built without it")
	case f.snaplen != 0 && (f.snaplen < 64 || f.snaplen > 256<<10):
		return usage("leave it out to capture whole packets", "--snaplen %d: not in 64 to 262144", f.snaplen)
	}
	switch {
	case f.fanout < 1 || f.fanout > 64:
		return usage("from 1 to 64; the number of the card's queues is a good one", "--fanout %d: not a number of sockets", f.fanout)
	case f.fanout > 1 && (f.filter != "" || f.libpcap):
		return usage("leave one of them out", "--fanout does not go with libpcap")
	}
	seen := map[string]bool{}
	for _, name := range f.interfaces {
		if seen[name] {
			return usage("name each once", "-i %s is given twice", name)
		}
		seen[name] = true
	}
	buffer, err := parseSize(f.buffer)
	if err != nil || buffer < 2<<20 || buffer > 2<<30 {
		return usage("from 2M to 2G", "--buffer-size %q: not a size for a buffer", f.buffer)
	}
	s.capture = live.Options{
		Interfaces: f.interfaces, Tunnels: f.tunnels, Filter: f.filter, Libpcap: f.libpcap,
		Snaplen: f.snaplen, Buffer: int(min(buffer, math.MaxInt)), Fanout: f.fanout, Promiscuous: f.promiscuous, EndOnDown: f.onDown == "end",
	}
	if s.analysis.Detect == popscope.DetectPorts {
		s.capture.Ports = s.analysis.Ports
	}
	return nil
}

// checkWrite checks what is said about the files that keep packets.
func (f *sniffFlags) checkWrite(s *sniffing) error {
	rotates := f.rotateSize != "" || f.rotateTime != 0 || f.maxFiles != 0
	switch {
	case f.write == "" && rotates:
		return usage("add --write FILE", "--rotate-size, --rotate-time and --max-files go with --write")
	case f.write == "":
		return nil
	case f.write == "-":
		return usage("name a file", "--write does not go to standard output")
	case f.rotateTime < 0 || f.rotateTime > 0 && f.rotateTime < time.Second:
		return usage("a second at least", "--rotate-time %v: too short", f.rotateTime)
	case f.maxFiles < 0 || f.maxFiles > 0 && f.rotateSize == "" && f.rotateTime == 0:
		return usage("say when a new file is begun, with --rotate-size or --rotate-time", "--max-files %d without rotation", f.maxFiles)
	case s.out.file != "" && (f.write == s.out.file || sameFile(f.write, s.out.file)):
		return usage("choose another name", "--write and --output name the same file")
	}
	r := &capture.Rotation{Name: f.write, Every: f.rotateTime, Keep: f.maxFiles, Interfaces: f.interfaces, Snaplen: f.snaplen}
	if f.rotateSize != "" {
		var err error
		if r.Size, err = parseSize(f.rotateSize); err != nil || r.Size < 4096 {
			return usage("as in 100M or 2G, 4K at least", "--rotate-size %q: not a size for a file", f.rotateSize)
		}
	}
	s.files = r
	return nil
}

// checkReport checks what is said about results.
func (f *sniffFlags) checkReport(s *sniffing) error {
	if f.follow {
		if !appends(s.out.format) {
			return usage("add --format transcript or --json", "--follow does not go with the format %s", s.out.format)
		}
		s.analysis.Follow = true
		s.out.report.Follow = true
	}
	if f.metrics != "" {
		var err error
		if s.metrics, err = metricsAddress(f.metrics); err != nil {
			return usage("as in 9110 or 192.0.2.1:9110", "--metrics %q: %w", f.metrics, err)
		}
	}
	return nil
}

// parseSize reads a number of bytes, with K, M or G for powers of 1024.
func parseSize(text string) (int64, error) {
	number, unit := text, int64(1)
	if n := len(text); n > 0 {
		if i := strings.IndexByte("KMG", text[n-1]&^0x20); i >= 0 {
			number, unit = text[:n-1], 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return 0, errors.New("not a size")
	}
	return n * unit, nil
}
