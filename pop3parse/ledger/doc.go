// Package ledger keeps the accounts of mailboxes over all sessions: which
// message was listed, who fetched it and how often, who marked it as
// deleted, and what became of that.
//
//	l := ledger.New(ledger.Limits{})
//	for each session, in any order {
//		l.Add(&ledger.Session{ID: id, Client: client, Server: server, Exchanges: xs, ...})
//	}
//	for _, box := range l.Mailboxes() {
//		for _, m := range box.Messages {
//			outcome, why := m.Deletion()
//			fmt.Println(box.Account, m.UID, len(m.Fetches), outcome, why)
//		}
//	}
//
// A mailbox is an account on a server's address and port. A message in it is
// known by its unique id (RFC 1939 section 7); where a session did not ask
// for unique ids, its messages are known by number, in that session alone.
//
// # What becomes of a mark
//
// A message that DELE marks is removed only when QUIT takes the session to
// the UPDATE state (RFC 1939 section 6). So a mark was
//
//	committed     by a QUIT that was answered with +OK
//	rolled back   by RSET, or since the connection ended without QUIT
//	refused       by the server, with -ERR to the DELE
//	unknown       where a loss may hold an RSET or a QUIT, where the answer to
//	              DELE is missing, where that to QUIT was -ERR or is missing, and
//	              where the session was not seen to its end
//
// # Why a message is fetched again
//
// Each RETR of a message but the first has one reason, the first in the list
// of Repeat that is true of it and of the RETR before it.
//
// The package judges what package pop3parse states, and sees no packets.
package ledger
