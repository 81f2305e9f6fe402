package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"popscope/capture/capturetest"
	"popscope/capture/live"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"popscope": main, "pop3talk": pop3talk, "getmetrics": getMetrics, "notified": notified})
}

// TestScripts runs testdata/script/*.txt: the program as users see it. The
// first word of a script's name is its category.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("COLUMNS", "")
			env.Setenv("NO_COLOR", "")
			env.Setenv("TZ", "UTC")
			for name, file := range map[string]string{"RECORDINGS": "../../testdata/pcap", "LIVE": "testdata/live.sh"} {
				path, err := filepath.Abs(file)
				if err != nil {
					return err
				}
				env.Setenv(name, path)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"dialog2pcap": dialog2pcap,
			"status":      status,
			"closedpipe":  closedPipe,
			"cut":         cutFile,
			"mode":        mode,
			"smalldisk":   smallDisk,
		},
		Condition:          condition,
		RequireUniqueNames: true,
	})
}

// dialog2pcap DIALOG PCAP compiles a session written as text.
func dialog2pcap(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: dialog2pcap DIALOG PCAP")
	}
	d, err := capturetest.Parse(args[0], ts.ReadFile(args[0]))
	ts.Check(err)
	trace := d.Trace()
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(capturetest.WritePcap(f, trace.Packets(capturetest.Plain())))
	ts.Check(f.Close())
}

// cutFile FILE N FROM writes the first N bytes of FROM to FILE; with a
// negative N all but the last.
func cutFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cut FILE N FROM")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := ts.ReadFile(args[2])
	if n < 0 {
		n += len(b)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b[:n]), 0o600))
}

// mode FILE MODE compares the permissions of a file.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: mode FILE MODE")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); (got == args[1]) == neg {
		ts.Fatalf("%s has mode %s", args[0], got)
	}
}

// status N PROGRAM ARGS... runs a program, which must exit with status N
// and say nothing on standard output if N is 2. Its output goes to the
// files out and err.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARGS...")
	}
	var stdout, stderr strings.Builder
	cmd := command(ts, args[1:])
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(stdout.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(stderr.String()), 0o600))
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("exit status %s, want %s (%v)\n%s", got, args[0], err, stderr.String())
	}
	if args[0] == "2" && stdout.Len() > 0 {
		ts.Fatalf("wrong usage, but something was written: %q", stdout.String())
	}
}

// closedPipe PROGRAM ARGS... runs a program whose standard output is a
// pipe that nobody reads any more. It must end with status 0 and say
// nothing.
func closedPipe(ts *testscript.TestScript, neg bool, args []string) {
	r, w, err := os.Pipe()
	ts.Check(err)
	ts.Check(r.Close())
	defer w.Close()
	var stderr strings.Builder
	cmd := command(ts, args)
	cmd.Stdout, cmd.Stderr = w, &stderr
	err = cmd.Run()
	if neg || err != nil || stderr.Len() > 0 {
		ts.Fatalf("%v: %v, %q", args, err, stderr.String())
	}
}

// command prepares a program to run in the folder and environment of a
// script.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, args[0]); isFile(path) {
			cmd := exec.Command(path, args[1:]...)
			cmd.Dir = ts.MkAbs(".")
			for _, name := range []string{"PATH", "HOME", "TMPDIR", "COLUMNS", "NO_COLOR", "TZ", "TERM"} {
				cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
			}
			return cmd
		}
	}
	ts.Fatalf("no program %s", args[0])
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// writeDialog compiles a dialog of the module's collection to a file.
func writeDialog(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := capturetest.WritePcap(f, capturetest.Load(t, name).Trace().Packets(capturetest.Plain())); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInterruptedWhileWaitingForInput: a pipe that gave a whole session
// and then stays silent; what it gave is reported.
func TestInterruptedWhileWaitingForInput(t *testing.T) {
	data, err := os.ReadFile(writeDialog(t, "rfc1939-section10"))
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		w.Write(data)
		w.Write(nil) // returns once the reader has come back for more
		cancel()
	}()
	var stdout, stderr strings.Builder
	ended := make(chan int, 1)
	go func() { ended <- execute(ctx, []string{"analyze", "--json", "-"}, r, &stdout, &stderr) }()
	select {
	case got := <-ended:
		if got != statusInterrupted {
			t.Errorf("exit status %d, want %d: %s", got, statusInterrupted, stderr.String())
		}
	case <-time.After(time.Minute):
		t.Fatal("the program does not end")
	}
	if want := "popscope: interrupted: only what was read until then is reported\n"; stderr.String() != want {
		t.Errorf("standard error:\n got %q\nwant %q", stderr.String(), want)
	}
	for _, want := range []string{`{"type":"run"`, `{"type":"session"`, `{"type":"summary"`, `"errors":["interrupted: only what was read until then is reported"]`} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%s is missing in %s", want, stdout.String())
		}
	}
}

// TestInterruptedBeforeAnyInput ends without results.
func TestInterruptedBeforeAnyInput(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr strings.Builder
	if got := execute(ctx, []string{"analyze", "-"}, r, &stdout, &stderr); got != statusInterrupted {
		t.Errorf("exit status %d, want %d", got, statusInterrupted)
	}
	if stdout.Len() > 0 {
		t.Errorf("standard output: %q", stdout.String())
	}
}

// full is an output that has no room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrPermission }

func TestOutputThatCannotBeWritten(t *testing.T) {
	path := writeDialog(t, "rfc1939-section10")
	for _, args := range [][]string{{"version"}, {"analyze", "--json", path}, {"analyze", path}, {"help"}} {
		var stderr strings.Builder
		got := execute(context.Background(), args, strings.NewReader(""), full{}, &stderr)
		if got != statusIncomplete || stderr.String() != "popscope: standard output: not written: permission denied\n" {
			t.Errorf("%v: exit status %d, %q", args, got, stderr.String())
		}
	}
}

// condition answers what scripts ask: [netns] where network namespaces can
// be made, [smalldisk] where disks can, [libpcap] where the program has it, [bash-completion] where that
// is installed.
func condition(cond string) (bool, error) {
	switch cond {
	case "netns":
		_, err := exec.LookPath("ip")
		return err == nil && os.Getuid() == 0 && exec.Command("unshare", "-n", "true").Run() == nil, nil
	case "bash-completion": // the package that completes file names
		return isFile("/usr/share/bash-completion/bash_completion"), nil
	case "smalldisk":
		return canMount(), nil
	case "libpcap":
		return live.HasLibpcap, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// getMetrics ADDR prints what --metrics serves.
func getMetrics() {
	r, err := http.Get("http://" + os.Args[1] + "/metrics")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	io.Copy(os.Stdout, r.Body)
}

// notified SOCKET prints what a service tells its manager (sd_notify), a
// line for each datagram, until it says that it is stopping.
func notified() {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: os.Args[1], Net: "unixgram"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(string(buf[:n]))
		if string(buf[:n]) == "STOPPING=1" {
			return
		}
	}
}
