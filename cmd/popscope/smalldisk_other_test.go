//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

func smallDisk(ts *testscript.TestScript, neg bool, args []string) { ts.Fatalf("for Linux") }

func canMount() bool { return false }
