// Command live makes POP3 traffic on the loopback, for load.sh: a server
// and clients in one process, as fast as they can or at a pace.
//
//	live -mode sessions -seconds 10      // short sessions: USER, PASS, STAT, QUIT
//	live -mode bulk -seconds 10          // messages of a megabyte, one after the other
//	live -mode sessions -count 36000     // an hour of ten sessions a second
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	mode := flag.String("mode", "sessions", "sessions or bulk")
	seconds := flag.Int("seconds", 10, "how long")
	count := flag.Int64("count", 1<<62, "how many sessions at most")
	clients := flag.Int("clients", 4, "how many at once")
	rate := flag.Int("rate", 0, "sessions a second; 0 as many as there can be")
	address := flag.String("address", "127.0.0.1:110", "where the server is")
	flag.Parse()

	l, err := net.Listen("tcp", *address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mail := append([]byte("+OK\r\nSubject: bulk\r\n\r\n"), bytes.Repeat([]byte("seventy-six characters of a line that is as long as base64 makes them, or so\r\n"), 13000)...)
	mail = append(mail, ".\r\n"...)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, mail)
		}
	}()

	commands := []string{"USER alice", "PASS sesame", "STAT", "QUIT"}
	if *mode == "bulk" {
		commands = []string{"USER alice", "PASS sesame", "RETR 1", "RETR 2", "RETR 3", "RETR 4", "QUIT"}
	}
	var done, octets atomic.Int64
	var running sync.WaitGroup
	begin := time.Now()
	end := begin.Add(time.Duration(*seconds) * time.Second)
	for range *clients {
		running.Go(func() {
			for time.Now().Before(end) {
				n := done.Add(1)
				if n > *count {
					done.Add(-1)
					return
				}
				if *rate > 0 {
					time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Second / time.Duration(*rate))))
				}
				session(*address, commands, &octets)
			}
		})
	}
	running.Wait()
	took := time.Since(begin).Seconds()
	fmt.Printf("%d sessions, %.0f a second, %.0f MB/s\n", done.Load(), float64(done.Load())/took, float64(octets.Load())/took/1e6)
}

// serve answers as a server does.
func serve(c net.Conn, mail []byte) {
	defer c.Close()
	fmt.Fprint(c, "+OK ready\r\n")
	for lines := bufio.NewScanner(c); lines.Scan(); {
		switch verb, _, _ := strings.Cut(lines.Text(), " "); verb {
		case "RETR":
			c.Write(mail)
		case "QUIT":
			fmt.Fprint(c, "+OK\r\n")
			return
		default:
			fmt.Fprint(c, "+OK\r\n")
		}
	}
}

// session is one client.
func session(address string, commands []string, octets *atomic.Int64) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	r.ReadSlice('\n')
	for _, line := range commands {
		fmt.Fprintf(c, "%s\r\n", line)
		for {
			reply, err := r.ReadSlice('\n')
			octets.Add(int64(len(reply)))
			if err != nil {
				return
			}
			if !strings.HasPrefix(line, "RETR") || len(reply) == 3 && reply[0] == '.' {
				break
			}
		}
	}
}
