package message_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"popscope/pop3parse/message"
)

const mail = "From: =?utf-8?Q?Alice?= <alice@example.org>\r\n" +
	"Subject: report\r\n" +
	"Content-Type: multipart/mixed; boundary=x\r\n" +
	"\r\n" +
	"--x\r\n" +
	"\r\n" +
	"see below\r\n" +
	"--x\r\n" +
	"Content-Type: text/csv; name=report.csv\r\n" +
	"Content-Transfer-Encoding: base64\r\n" +
	"\r\n" +
	"YSxiDQo=\r\n" +
	"--x--\r\n"

func Example() {
	p := message.NewParser(message.Limits{})
	for line := range strings.Lines(mail) {
		p.Write([]byte(line))
	}
	m := p.Close()
	fmt.Printf("%q from %q\n", m.Subject, m.From)
	for _, a := range m.Attachments {
		fmt.Printf("%q %s %d octets, SHA-256 %x...\n", a.Name, a.ContentType, a.Octets, a.SHA256[:4])
	}
	// Output:
	// "report" from "Alice <alice@example.org>"
	// "report.csv" text/csv 5 octets, SHA-256 fbf6b301...
}

func ExamplePartSink() {
	var content bytes.Buffer
	_, err := message.Parse(strings.NewReader(mail), message.Limits{
		PartSink: func(i message.PartInfo) io.Writer {
			fmt.Printf("%d %q: ", i.Index, i.Name)
			return &content
		},
	})
	fmt.Printf("%q %v\n", &content, err)
	// Output:
	// 0 "report.csv": "a,b\r\n" <nil>
}
