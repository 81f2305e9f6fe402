// Package report puts finished sessions into words: it writes Results of
// package popscope in one of several formats.
//
//	out, err := report.New("jsonl", os.Stdout, report.Options{})
//	for res, err := range analyzer.Results(src) {
//		if err == nil { // otherwise it tells of damage, and there is no res
//			err = out.Write(res)
//		}
//	}
//	err = out.Close(analyzer.Summary())
//
// The formats:
//
//	table       sessions, logins, messages and findings at a glance, sorted by start; written by Close, and
//	            from 10,000 sessions on as they come, sorted as far as 10,000 sessions reach
//	transcript  the dialogues line by line; written as the sessions come
//	jsonl       one JSON object a line, for programs; written as the sessions come
//	markdown    the table for issues and chats: at most 50 rows each without Options.Verbose; written by Close
//	csv         the records of jsonl as a table, for spreadsheets; written as the sessions come
//	html        one self-contained page to look at; written by Close
//
// All but transcript tell of accounts and findings instead if Options.View is
// AuditView.
//
// Packets of Analyzer.Packets are written by NewPackets: a line for each
// packet, or a record.
//
// The records of jsonl are a contract, which Schema states as a JSON
// Schema: a change of meaning raises SchemaVersion. Table, transcript
// and html are for people and may change.
//
// The columns of csv are the keys of jsonl: client.ip becomes client_ip,
// lists are joined with semicolons (a semicolon in an item becomes \x3b),
// a list of objects gives a list for each of their keys, and the map
// ignored gives name=count items. What is unknown is empty. The columns
// with exact bytes, of names that end in _base64, stand at the end. Lines
// end in LF and no cell contains a line end. So that no spreadsheet takes
// a text for a formula, one that begins with = + - or @, or with an
// apostrophe, gets an apostrophe in front: to have the text back, take
// away the first apostrophe, then resolve the escapes. Numbers are never
// changed.
//
// Two rules hold in every format. Passwords, tokens, SASL data of the client,
// and what of a reply repeats them are replaced by a mask that does not tell
// their length, unless Options.ShowSecrets is set. And text from the wire is inert: control
// characters, terminal escapes, direction overrides and bytes that are no
// UTF-8 are shown as escapes, so that nothing in a capture can act on the
// reader's terminal. In markdown it stands in code spans, where no name is
// notified, no link followed and no HTML read.
//
// The same Results give the same bytes: nothing here looks at the clock,
// the environment or the machine.
package report
