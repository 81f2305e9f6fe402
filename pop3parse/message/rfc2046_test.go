package message

import "testing"

// RFC 2046 section 5.1.1: the line end before a boundary is no content, and
// a part may have no header.
func TestRFC2046Section511(t *testing.T) {
	const name = "Content-Disposition: attachment; filename="
	head := "From: a@example.org\nSubject: Sample message\nMIME-Version: 1.0\nContent-type: multipart/mixed; boundary=\"simple boundary\"\n\npreamble\n\n"
	text := "implicitly typed, and not ended by a line end."
	run(t, []row{
		{name: "simple boundary", mail: head + "--simple boundary\n\n" + text + "\n--simple boundary\nContent-type: text/plain; charset=us-ascii\n\nexplicitly typed\n\n--simple boundary--\n\nepilogue\n", want: Mail{
			From: "a@example.org", Subject: "Sample message", ContentType: "multipart/mixed", Parts: 2}},
		{name: "line ends before boundaries", mail: head + "--simple boundary\n" + name + "1\n\n" + text + "\n--simple boundary\n" + name + "2\n\nends in one\n\n--simple boundary\n" + name + "3\n\n\n--simple boundary--\n", want: Mail{
			From: "a@example.org", Subject: "Sample message", ContentType: "multipart/mixed", Parts: 3,
			Attachments: []Attachment{file("1", "text/plain", text), file("2", "text/plain", "ends in one\r\n"), file("3", "text/plain", "")}}},
	})
}

// RFC 2046 appendix A: a mail of five parts, of which one is a multipart and
// one is a message.
func TestRFC2046AppendixA(t *testing.T) {
	run(t, []row{{name: "complex multipart", mail: `MIME-Version: 1.0
From: Alice <alice@example.org>
To: Bob <bob@example.org>
Date: Fri, 07 Oct 1994 16:15:05 -0700 (PDT)
Subject: A multipart example
Content-Type: multipart/mixed;
             boundary=unique-boundary-1

the preamble
--unique-boundary-1

  text without a header

--unique-boundary-1
Content-type: text/plain; charset=US-ASCII

more text
--unique-boundary-1
Content-Type: multipart/parallel; boundary=unique-boundary-2

--unique-boundary-2
Content-Type: audio/basic
Content-Transfer-Encoding: base64

AAAA

--unique-boundary-2
Content-Type: image/jpeg; name=a.jpg
Content-Transfer-Encoding: base64

/9j/

--unique-boundary-2--

--unique-boundary-1
Content-type: text/enriched

<bold>text</bold>

--unique-boundary-1
Content-Type: message/rfc822

From: carol@example.org
To: dave@example.org
Subject: (subject in US-ASCII)
Content-Type: Text/plain; charset=ISO-8859-1
Content-Transfer-Encoding: Quoted-printable

=E9

--unique-boundary-1--
`, want: Mail{
		From: "Alice <alice@example.org>", To: "Bob <bob@example.org>", Subject: "A multipart example", ContentType: "multipart/mixed",
		DateText: "Fri, 07 Oct 1994 16:15:05 -0700 (PDT)", Date: utc(1994, 10, 7, 23, 15, 5), Parts: 6,
		Attachments: []Attachment{
			file("a.jpg", "image/jpeg", "\xff\xd8\xff"),
			file("", "message/rfc822", "From: carol@example.org\r\nTo: dave@example.org\r\nSubject: (subject in US-ASCII)\r\n"+
				"Content-Type: Text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: Quoted-printable\r\n\r\n=E9\r\n"),
		}}}})
}
