package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// grantHint says how to get the right to capture.
func grantHint() string {
	program, err := os.Executable()
	if err != nil {
		program = "popscope"
	}
	return "sudo setcap cap_net_raw+ep " + program + "; or run it as root: it gives up its rights once it captures"
}

// account is who a program that was started as root goes on as.
type account struct {
	name     string
	uid, gid int
}

// accountOf looks up the user of --run-as. It returns nil if there is nothing
// to change: the program is not root, or is to stay so.
func accountOf(name string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil || uid == 0 {
		return nil, err
	}
	return &account{name, uid, gid}, nil
}

// dropPrivileges gives up the user, groups and capabilities of this process, in all
// its threads and for good, and makes sure that they are gone.
func dropPrivileges(to *account) error {
	if to != nil {
		for v := cap.Value(0); v < cap.MaxBits(); v++ {
			if err := cap.DropBound(v); err != nil {
				break // without CAP_SETPCAP; no_new_privs makes up for it
			}
		}
		for _, step := range []struct {
			what string
			err  error
		}{
			{"setgroups", syscall.Setgroups([]int{})},
			{"setresgid", syscall.Setresgid(to.gid, to.gid, to.gid)},
			{"setresuid", syscall.Setresuid(to.uid, to.uid, to.uid)},
		} {
			if step.err != nil {
				return fmt.Errorf("becoming %s: %s: %w", to.name, step.what, step.err)
			}
		}
	}
	if err := cap.NewSet().SetProc(); err != nil {
		return fmt.Errorf("giving up capabilities: %w", err)
	}
	if _, err := cap.Prctlw(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	return privilegesGone(to)
}

// privilegesGone reads back from the system what every thread may do.
func privilegesGone(to *account) error {
	threads, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(threads) == 0 {
		return nil // no /proc
	}
	want := map[string]string{"CapInh": zeros, "CapPrm": zeros, "CapEff": zeros, "CapAmb": zeros, "NoNewPrivs": "1"}
	if to != nil {
		want["Uid"] = strings.TrimSuffix(strings.Repeat(fmt.Sprint(to.uid)+"\t", 4), "\t")
		want["Gid"] = strings.TrimSuffix(strings.Repeat(fmt.Sprint(to.gid)+"\t", 4), "\t")
		want["Groups"] = ""
	}
	for _, name := range threads {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		for line := range bytes.Lines(b) {
			key, value, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
			if w, ok := want[key]; ok && strings.TrimSpace(value) != w {
				return fmt.Errorf("privileges are still there: %s: %s %s", name, key, strings.TrimSpace(value))
			}
		}
	}
	return nil
}

const zeros = "0000000000000000"

// give lets the account write to a file that was opened as root.
func (a *account) give(f *os.File) {
	if a == nil {
		return
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		f.Chown(a.uid, a.gid)
	}
}

// mayCreateIn reports whether files can be created in a folder now.
func mayCreateIn(dir string) error {
	err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return err
	}
	return nil
}
