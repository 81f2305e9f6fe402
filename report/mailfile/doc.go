// Package mailfile writes the messages of a capture into a folder: as .eml
// files, as one mbox, or as a Maildir, and their attachments beside them.
//
//	out, err := mailfile.Open("evidence", mailfile.Options{Attachments: true})
//	a := popscope.New(popscope.Options{Body: out.Body})
//	for r, err := range a.Results(src) {
//		if err != nil {                        // the capture is damaged: there is no r
//			log.Print(err)
//			continue
//		}
//		for _, s := range out.Save(r) {        // r's messages, each with the name of its file
//			fmt.Println(s.File, s.Err)
//		}
//	}
//	err = out.Close()                              // nothing temporary is left
//
// How a message gets into its file:
//
//	Body.Data ── buffer ──┬───────────────────────────── Save ── file
//	                      └─ temporary file in the folder ─┘ renamed
//
// Bytes come while the capture is read, several messages at once. A short
// message waits in memory, a longer one in a temporary file. Only when its
// session is over does it get its name. Sessions are over in the same order
// on every run, so the names are the same on every run.
//
// # Files
//
//	EML      000001-alice-retr3-Hello.eml          exact bytes: dot-unstuffed, line ends as sent
//	Mbox     messages.mbox                         mboxrd: CRLF is LF, ">*From " lines get one more ">"
//	Maildir  new/1448463893.000001.709vp5k76g40,S=120   exact bytes; tmp and cur are there too
//	all      attachments/000001-alice-retr3-Hello/report.pdf
//
// The number counts the messages of the run; then come the account, how the
// message was fetched ("retr3", "top3" for its beginning, "sent" for mail
// that a client sent), and the subject.
//
// # Names
//
// What a mail says about names is hostile. Name makes a name that means the
// same on every system: letters and digits of all scripts, and few signs
// besides. It has no path, no control or direction characters, no
// look-alikes of separators, no spaces, dots or dashes at its ends, no name
// that Windows reserves, and at most MaxName octets. Names in one folder
// that differ in case only are numbered.
//
// All files are reached through os.Root and have mode 0600. Nothing outside
// of the folder is written, no symbolic link is followed, and what exists is
// not replaced unless Options.Force is set.
//
// # Bounds
//
// Buffers hold 24 MiB together, however many messages are on their way, and
// a little for each of them beyond that. At most 64 temporary files are open
// at once. A message of a gigabyte needs no more memory than a short one.
package mailfile
