package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func main() {
	// Without this, writing to a closed pipe would kill the process; now
	// the write returns EPIPE and the program ends quietly.
	signal.Ignore(syscall.SIGPIPE)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(collectHarder)
	}
	if os.Getenv("GOGC") == "" {
		collect()
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// collectHarder is from how many bytes on garbage is collected as soon as
// there is some, instead of when memory has doubled. The limits of package
// popscope keep what is no garbage below that.
const collectHarder = 400 << 20

// collectAfter is by how many percent memory grows before garbage is
// collected. There is little of it: half the usual growth costs no time that
// could be measured, and takes a tenth off the peak.
const collectAfter = 50

// collectFirst is the same before garbage has been collected once: it comes to
// 8 MB and what the program itself holds. Below, garbage was looked for three
// times, a thirtieth of the time of a capture of mostly other traffic.
const collectFirst = 200

// collect says when garbage is collected.
func collect() {
	debug.SetGCPercent(collectFirst)
	runtime.AddCleanup(new([64]byte), func(percent int) { debug.SetGCPercent(percent) }, collectAfter)
}

// secondSignal is how long after an interruption another one ends the program
// at once. Before, it is the same one: timeout(1) sends its signal to the
// program, and to the group that the program is in.
const secondSignal = time.Second

// run is the whole program. It returns the exit status. Signals are taken to
// the end: one that comes twice must not kill a program that is about to exit.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), ends()...)
	context.AfterFunc(ctx, func() { time.AfterFunc(secondSignal, stop) })
	return execute(ctx, args, stdin, stdout, stderr)
}

// ends returns the signals that end the program. SIGHUP does not where the
// program was started to ignore it, as by nohup. SIGINT always does, as with
// tcpdump: shells have it ignored by all that a script starts in the
// background, and the script sends it to end that.
func ends() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// execute runs one command. The end of ctx is an interruption.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := newProgram(ctx, stdin, stdout, stderr)
	root := p.rootCommand()
	root.SetArgs(append([]string{}, args...)) // never nil, which would mean os.Args
	err := root.Execute()
	status := p.complain(err)
	switch e := p.stdout.Flush(); {
	case errors.Is(e, syscall.EPIPE):
		return statusDone // whoever read the output has seen enough
	case e == nil || notWritten(err): // said already
		return status
	default:
		return p.complain(outputFailure("standard output", e))
	}
}

// program is what every command has at hand.
type program struct {
	ctx      context.Context
	stdin    io.Reader
	stdout   *buffered
	direct   io.Writer // what stdout writes to, for those who see to it themselves that nobody waits
	terminal terminal  // what stdout is connected to
	stderr   io.Writer
	screen   *screen // for what comes and goes on the terminal
}

func newProgram(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) *program {
	p := &program{ctx: ctx, stdin: stdin, terminal: terminalOf(stdout), screen: &screen{}}
	if canShowProgress(terminalOf(stderr)) {
		p.screen.err = stderr
		stderr = p.screen.writer(stderr)
		if p.terminal.is {
			stdout = p.screen.writer(stdout)
		}
	}
	p.stdout, p.direct, p.stderr = newBuffered(untilStuck(ctx, stdout)), stdout, stderr
	return p
}

// rootCommand returns the command tree.
func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "popscope",
		Short: "See what POP3 clients and servers said, from captured packets",
		Long: `popscope reads packet captures and shows the POP3 sessions in them: every
command with its reply, who logged in and how exposed that was, and which
messages went over the wire.`,
		Example: `  popscope analyze mail.pcap
  popscope analyze --format transcript mail.pcapng.gz
  popscope analyze --json mail.pcap | jq 'select(.type == "login")'`,
		Version:       versionText(),
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, args []string) error { return noCommand(cmd, args) },
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetVersionTemplate("popscope {{.Version}}\n")
	root.Flags().BoolP("version", "V", false, "print the version")
	root.SetFlagErrorFunc(flagError)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return noEmptyFlags(cmd) }
	root.SetUsageFunc(writeUsage)
	root.SetHelpCommand(p.helpCommand())
	root.AddCommand(
		p.analyzeCommand(),
		p.auditCommand(),
		p.sniffCommand(),
		p.interfacesCommand(),
		p.extractCommand(),
		p.packetsCommand(),
		p.maildropCommand(),
		p.sanitizeCommand(),
		p.manCommand(),
		p.versionCommand(),
	)
	addCompletion(root)
	completeRest(root)
	return root
}
