// Command popscope finds the POP3 sessions in packet captures and reports
// on them:
//
//	popscope analyze mail.pcap
//	popscope analyze --format transcript mail.pcapng.gz
//	tcpdump -w - 'tcp port 110' | popscope analyze --json -
//
// `popscope help` lists the commands, `popscope analyze --help` the flags.
//
// Exit status: 0 done; 1 audit found something at or above --fail-on; 2 wrong
// usage, nothing done; 3 could not do all of it, because an input was
// unreadable or damaged or an output was not written; 130 interrupted. A
// closed pipe ends the program quietly with status 0, and so does Ctrl-C a
// live run.
//
// Standard output carries results only, standard error everything else.
package main
