package sanitize_test

import (
	"bytes"
	"fmt"
	"log"

	"popscope/capture"
	"popscope/sanitize"
)

func Example() {
	src, err := capture.Open("../testdata/pcap/dovecot-userpass.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	s, err := sanitize.New(sanitize.Options{Users: true})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	warn := func(err error) { log.Print(err) } // of damage in the capture
	if err := s.Read(src, warn); err != nil {
		log.Fatal(err)
	}
	format, err := s.Format()
	if err != nil {
		log.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.Write(&out, format); err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Stats().Kept, "packets,", s.Stats().Sessions, "session")
	fmt.Println(bytes.Contains(out.Bytes(), []byte("USER alice")), bytes.Contains(out.Bytes(), []byte("wonderland")))
	// Output:
	// 39 packets, 1 session
	// false false
}
