package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"

	"popscope/capture"
)

// small returns a capture of two packets.
func small() *bytes.Buffer {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, capture.WriterOptions{})
	if err != nil {
		log.Fatal(err)
	}
	w.Write(&capture.Packet{Nanos: 1e9, Link: capture.LinkRaw, Data: []byte("first"), Orig: 5})
	w.Write(&capture.Packet{Nanos: 2e9, Link: capture.LinkRaw, Data: []byte("second"), Orig: 1500})
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	return &file
}

// A file that is cut short gives what stands before, then an error.
func ExampleTimeline_Next() {
	file := small()
	file.Truncate(file.Len() - 1)
	src, err := capture.NewReader("cut.pcap", file)
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	var p capture.Packet
	for {
		err := src.Next(&p)
		if err == io.EOF {
			break
		}
		if damage := new(capture.FormatError); errors.As(err, &damage) {
			fmt.Println("damage at offset", damage.Offset)
			fmt.Println(capture.ErrorText(err))
			continue
		}
		fmt.Printf("%d %s %v %q\n", p.Num, p.Time().Format("15:04:05"), p.Link, p.Data)
	}
	// Output:
	// 1 00:00:01 RAW "first"
	// damage at offset 45
	// cut.pcap: packet 2, offset 45: record cut short: unexpected EOF
}

// The packets of a batch are valid together, until the next one.
func ExampleTimeline_NextBatch() {
	src, err := capture.NewReader("whole.pcap", small())
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	batch := make([]capture.Packet, 32)
	for {
		n, err := src.NextBatch(batch)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Print(err) // n is 0; what follows is still good
		}
		for _, p := range batch[:n] {
			fmt.Printf("%d of %d bytes: %q\n", len(p.Data), p.Orig, p.Data)
		}
	}
	// Output:
	// 5 of 5 bytes: "first"
	// 6 of 1500 bytes: "second"
}
