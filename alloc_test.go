package popscope_test

import (
	"fmt"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
)

// TestAllocations holds what a session and a packet cost in allocations to
// a number, so that a change that makes them dearer shows. The numbers are
// exact: they do not depend on the machine, but for what maps take when they
// grow.
func TestAllocations(t *testing.T) {
	if testing.Short() || testing.CoverMode() != "" {
		t.Skip("with instrumented code, which allocates more, and where little time is to be taken")
	}
	for _, tt := range []struct {
		name       string
		n          int // sessions
		mail       bool
		dialog     func(i int) string
		perSession float64 // at most
		perPacket  float64 // the same for each packet of the session
	}{
		{"the same login again and again", 2000, false, func(int) string { return login("alice", "wonderland-7", "-ERR no") }, 0.4, 0.03},
		{"new users and passwords", 2000, false, func(i int) string { return login(fmt.Sprint("user", i), fmt.Sprint("secret", i), "-ERR no") }, 3.5, 0.28},
		{"looking for mail", 2000, false, func(int) string {
			return "S: +OK ready\nC: USER alice\nS: +OK\nC: PASS wonderland-7\nS: +OK\nC: STAT\nS: +OK 2 320\nC: UIDL\nS: +OK\nS: 1 a1\nS: 2 a2\nS: .\nC: QUIT\nS: +OK bye\n"
		}, 0.4, 0.03},
		{"a long message", 200, false, func(int) string { return longMessage }, 5, 0.03},
		{"a long message, hashed and outlined", 200, true, func(int) string { return longMessage }, 12, 0.07},
	} {
		t.Run(tt.name, func(t *testing.T) {
			few, many := tt.n, 2*tt.n // what is begun with counts in both
			packets, each := sessions(t, many, tt.dialog)
			count := func(n int) float64 {
				return testing.AllocsPerRun(1, func() {
					o := popscope.Options{Workers: 1, NoMail: !tt.mail}
					found := 0
					for _, err := range popscope.New(o).Results(capturetest.Source(packets[:n*each])) {
						if err != nil {
							t.Fatal(err)
						}
						found++
					}
					if found != n {
						t.Fatalf("%d sessions of %d", found, n)
					}
				})
			}
			perSession := (count(many) - count(few)) / float64(many-few)
			perPacket := perSession / float64(each)
			t.Logf("%.2f allocations for each session, %.3f for each of its %d packets", perSession, perPacket, each)
			if perSession > tt.perSession {
				t.Errorf("%.2f allocations for each session, more than %.2f", perSession, tt.perSession)
			}
			if perPacket > tt.perPacket {
				t.Errorf("%.3f allocations for each packet, more than %.3f", perPacket, tt.perPacket)
			}
		})
	}
}

// longMessage fetches a message of some 150 KB.
var longMessage = "S: +OK ready\nC: USER alice\nS: +OK\nC: PASS wonderland-7\nS: +OK\nC: RETR 1\nS: +OK\nS: Subject: x\nS:\n" +
	strings.Repeat("S* 20 "+strings.Repeat("QUJD", 19)+"\\r\\n\n", 100) + "S: .\nC: QUIT\nS: +OK bye\n"

// login is a session with one attempt to log in.
func login(user, password, answer string) string {
	return "S: +OK ready\nC: USER " + user + "\nS: +OK\nC: PASS " + password + "\nS: " + answer + "\nC: QUIT\nS: +OK bye\n"
}

// sessions returns the packets of n sessions, one after the other, and how
// many each has.
func sessions(t testing.TB, n int, dialog func(int) string) (all []capture.Packet, each int) {
	t.Helper()
	for i := range n {
		client := fmt.Sprintf("! client 198.51.%d.%d:%d\n", 100+i>>16, i>>8&255, 40000+i&255)
		d, err := capturetest.Parse(fmt.Sprint(i), client+dialog(i))
		if err != nil {
			t.Fatal(err)
		}
		packets := d.Trace().Packets(capturetest.Plain())
		each = len(packets)
		for _, p := range packets {
			p.Num = int64(len(all) + 1)
			p.Nanos += int64(i) * 50e6
			all = append(all, p)
		}
	}
	return all, each
}
