// Package capture reads captured packets from files.
//
// The common call:
//
//	src, err := capture.Open("mail.pcap.gz", "mail2.pcapng")
//	if err != nil {
//		return err // not one of the files can be read
//	}
//	defer src.Close()
//	var p capture.Packet
//	for {
//		err := src.Next(&p)
//		if err == io.EOF {
//			break
//		}
//		if err != nil { // one file is damaged from here on; the others follow
//			warn(err)
//			continue
//		}
//		use(&p) // p.Data is valid until the next call to Next
//	}
//
// NextBatch gives the same packets, as many at once as there are. Options.Open
// is for other standard inputs, named pipes, and an early end.
//
// # Formats
//
// Files are known by their first bytes, never by their names.
//
//	read                                   | notes
//	---------------------------------------+------------------------------------------
//	pcap, microseconds and nanoseconds     | both byte orders, versions 2.x and 543.0
//	pcap, "modified" (0xa1b2cd34)          | record headers of 24 bytes
//	pcap files joined end to end           | each header counts from where it stands
//	pcapng                                 | both byte orders, any number of sections
//	  Enhanced, Simple, obsolete Packet    | a Simple one has the time of the packet before
//	  if_tsresol, if_tsoffset              | any, in whole numbers; finer than 1 ns is cut off
//	  Interface Statistics                 | Timeline.Drops
//	  Decryption Secrets (TLS key log)     | Timeline.KeyLog
//	  other blocks                         | passed over, of any length
//	gzip, zstd, lz4, xz, bzip2 around them | several members too; one inside of another, twice
//
//	not read                               | why
//	---------------------------------------+------------------------------------------
//	snoop, Network Monitor, Sniffer, ...   | named in the error; editcap converts them
//	pcap variants of AIX, Nokia, SuSE, IXIA| same or own magic with other record headers
//	zip, 7z, rar, tar                      | archives may hold several files
//	zstd, xz with windows over 128 MiB     | memory is bounded
//	names, comments, other options         | nothing here asks for them
//
// A packet may be 262,144 bytes long, or what the snapshot length of the
// file or interface allows beyond that, up to 16 MiB. A snapshot length that
// is smaller than the packets, or 0, cuts nothing. Custom, journal and
// sysdig blocks of pcapng are no packets, but Wireshark counts them:
// Packet.Num and Packet.FileNum do too.
//
// # Damage
//
// A file that is cut short, or holds a length that cannot be, gives all
// packets before that place and then one *FormatError, which tells the file,
// the packet and the offset. There is no search for a next good record:
// what follows damage may be anything. A file that ends between two records
// is complete, as far as its format can tell; one with a mere line end behind
// its last record is, too.
//
// # Several files
//
// Several files are one timeline. The order inside a file is always kept.
// Among files, the packet that is due first comes first:
//
//   - A packet is due at its time, or at that of the packet after it in its
//     file if that is earlier: it must go before that one anyway. So a
//     single time in the future does not hold back its file.
//   - A time more than a year from those of both neighbours, which agree
//     among themselves, is an outlier: it counts as its neighbour's.
//   - Of packets due at the same time, those of the file that begins earlier
//     go first. Files whose first packets have the same times go in the
//     order of the arguments.
//   - A capture that was cut into files is put together as it was, in
//     whatever order they are given, even if its packets are slightly out of
//     order around a cut: while no two files have overlapped, a file that
//     ends within a moment after the next one begins is read to its end
//     first. A moment is 100 ms, or twice the largest step back seen inside
//     a file, up to 1 s; and never more than half the time since the start.
//     Files that are shorter than that disorder, of a packet or two, cannot
//     tell their place and go by their times.
//
// Open looks at the first packets of each file and closes it again, to read
// on when the timeline reaches it, so that thousands of files of a rotation
// can be given at once. A file that is no longer the same then is an error,
// ErrChanged; one that has grown is not. Standard input and other inputs
// that cannot be read twice stay open.
//
// # Reading ahead
//
// Behind the first megabyte of a regular file, a goroutine reads and
// decompresses what comes next, less than a megabyte ahead; of several files
// one at a time. It ends with the file, with its damage, or with Close, which
// waits for it. Packets and errors are the same without it. What comes
// through a pipe is never read ahead: each packet is delivered as it comes.
package capture
