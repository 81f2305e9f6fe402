package main

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// limited has the kernel refuse the command private memory beyond so many
// bytes and half as many again, for what a Go program maps without using it.
// One that asks for more ends with status 2.
func limited(cmd *exec.Cmd, bytes int64) {
	const script = `ulimit -d "$1" && shift && exec "$@"`
	kib := strconv.FormatInt(bytes*3/2/1024, 10)
	cmd.Args = append([]string{"sh", "-c", script, "sh", kib, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// peak returns the most memory that a process held, in bytes.
func peak(p *os.ProcessState) int64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return int64(u.Maxrss) * 1024
	}
	return 0
}
