package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// pop3talk ADDR N [hold] is a program for scripts: a server that knows just
// enough POP3, and N sessions with it, one after the other. With hold, the
// last one is left open until standard input ends.
func pop3talk() {
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	n, _ := strconv.Atoi(os.Args[2])
	for i := range n {
		lines := []string{"USER alice", "PASS sesame", "STAT", "RETR 1", "QUIT"}
		hold := len(os.Args) > 3 && i == n-1
		if hold {
			lines = lines[:3]
		}
		c, err := net.Dial("tcp", os.Args[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		r := bufio.NewReader(c)
		r.ReadString('\n')
		for _, line := range lines {
			fmt.Fprintf(c, "%s\r\n", line)
			for reply, _ := r.ReadString('\n'); strings.HasPrefix(line, "RETR") && reply != ".\r\n"; reply, _ = r.ReadString('\n') {
			}
		}
		if hold {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0) // the session is cut off
		}
		c.Close()
	}
	time.Sleep(50 * time.Millisecond)
}

func serve(c net.Conn) {
	defer c.Close()
	fmt.Fprintf(c, "+OK ready\r\n")
	for lines := bufio.NewScanner(c); lines.Scan(); {
		switch verb, _, _ := strings.Cut(lines.Text(), " "); verb {
		case "STAT":
			fmt.Fprintf(c, "+OK 1 20\r\n")
		case "RETR":
			fmt.Fprintf(c, "+OK\r\nSubject: one\r\n\r\nhello\r\n.\r\n")
		case "QUIT":
			fmt.Fprintf(c, "+OK\r\n")
			return
		default:
			fmt.Fprintf(c, "+OK\r\n")
		}
	}
}
