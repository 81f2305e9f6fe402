// Package report puts finished sessions into words: it writes Results of
// package popscope in one of several formats.
//
//	out, err := report.New("jsonl", os.Stdout, report.Options{})
//	for res, err := range analyzer.Results(src) {
//		err = out.Write(res)
//	}
//	err = out.Close(analyzer.Summary())
//
// The formats:
//
//	table       sessions, logins and messages at a glance; written by Close, sorted by start
//	transcript  the dialogues line by line; written as the sessions come
//	jsonl       one JSON object a line, for programs; written as the sessions come
//
// The records of jsonl are a contract, which Schema states as a JSON
// Schema: a change of meaning raises SchemaVersion. Table and transcript
// are for people and may change.
//
// Two rules hold in every format. Passwords, tokens and SASL data of the
// client are replaced by a mask that does not tell their length, unless
// Options.ShowSecrets is set. And text from the wire is inert: control
// characters, terminal escapes, direction overrides and bytes that are no
// UTF-8 are shown as escapes, so that nothing in a capture can act on the
// reader's terminal.
//
// The same Results give the same bytes: nothing here looks at the clock,
// the environment or the machine.
package report
