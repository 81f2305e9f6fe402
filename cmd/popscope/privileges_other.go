//go:build !linux

package main

import (
	"os"
)

func grantHint() string {
	return "capturing takes rights: run it as root or administrator, or give yourself access to the capture devices"
}

// account is who a program that was started as root goes on as. Other
// systems have nobody for that.
type account struct{ name string }

func accountOf(string) (*account, error) { return nil, nil }

func dropPrivileges(*account) error { return nil }

func (a *account) give(*os.File) {}

func mayCreateIn(string) error { return nil }
