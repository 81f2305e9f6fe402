package audit

import "time"

// attackRules are about somebody who tries to get in. All of them need
// several logins, of one session or of many; package-level limits of
// Auditor say how far they look back.
var attackRules = []Rule{
	{
		Slug: "password-guessing", Severity: Medium, Scope: ClientScope,
		Title:  "Many failed logins from one client",
		Advice: "Find out who the client is, block it if it is no user of yours, and look whether one of its attempts was accepted.",
		RFC:    "RFC 3206 section 5",
		About: "A client was refused many times within a short time for what it knew: wrong password or unknown user. A maildrop in use, a login too soon, a fault of the server, a mechanism that is not there and TLS that is wanted do not count. " +
			"A client that repeats one password for one user is the rule stale-password.",
		Settings: []Setting{
			{Name: "failures", Default: 10, About: "so many failures within the window; if that is more than 64, so many in all and 64 within it"},
			{Name: "window", Default: int64(10 * time.Minute), Time: true, About: "how close together they must be"},
		},
	},
	{
		Slug: "stale-password", Severity: Low, Scope: ClientScope,
		Title:  "Client repeats a refused password",
		Advice: "Most likely a device with an old password: tell its owner, before it locks the account.",
		About:  "A client was refused many times for one user, with the same password each time.",
		Settings: []Setting{
			{Name: "failures", Default: 10, About: "so many failures, however far apart"},
		},
	},
	{
		Slug: "password-spray", Severity: High, Scope: ClientScope,
		Title:  "Many users tried from one client",
		Advice: "Block the client, and look for logins of it that were accepted. Locks per account do not stop this kind of guessing: limit failures per client.",
		About:  "A client failed to log in for many different users. A user name with and without domain is one.",
		Settings: []Setting{
			{Name: "users", Default: 10, About: "so many different users"},
		},
	},
	{
		Slug: "success-after-failures", Severity: High, Scope: LoginScope,
		Title:  "Login accepted after many failures",
		Advice: "Ask the user. If it was not them, the password was guessed: change it, and see what the session read and deleted.",
		About: "A client failed several times for an account and then got in. A maildrop that is in use counts as in, as the server checks the password first; " +
			"that a mailbox is locked, and no more, does not, since it may be locked because of the failures. " +
			"A person who forgot a password looks like this too.",
		Settings: []Setting{
			{Name: "failures", Default: 5, About: "so many failures before"},
			{Name: "window", Default: int64(time.Hour), Time: true, About: "the longest time between two of the attempts"},
		},
	},
	{
		Slug: "secret-tried-on-many", Severity: High, Scope: ServerScope,
		Title:  "One password tried for many users",
		Advice: "Block the clients. Forbid the password: somebody expects users to have it.",
		About:  "The same password was refused for many different users, from whatever clients: guessing that stays below limits per account and per client. It can be seen where passwords are shown.",
		Settings: []Setting{
			{Name: "users", Default: 5, About: "so many different users"},
		},
	},
	{
		Slug: "account-from-many-networks", Severity: Medium, Scope: AccountScope,
		Title:  "One account from many networks",
		Advice: "Ask the user whether all of them are theirs. If not, change the password.",
		About:  "An account was logged in to from several networks (/24 of IPv4, /48 of IPv6) within a short time.",
		Settings: []Setting{
			{Name: "networks", Default: 3, About: "so many different networks; at most 16 are remembered"},
			{Name: "window", Default: int64(time.Hour), Time: true, About: "how close together they must be"},
		},
	},
	{
		Slug: "user-enumeration", Severity: High, Scope: ClientScope,
		Title:  "User names probed",
		Advice: "Block the client, and have the server give the same reply for names that exist and names that do not.",
		RFC:    "RFC 1939 section 13",
		About:  "The server refused the USER command of many different names from one client, by which it tells which names there are.",
		Settings: []Setting{
			{Name: "users", Default: 10, About: "so many different names"},
		},
	},
	{
		Slug: "user-names-betrayed", Severity: Low, Scope: ServerScope,
		Title:  "Server tells which user names exist",
		Advice: "Set the server to accept any USER, and to answer a wrong name like a wrong password.",
		RFC:    "RFC 1939 section 13",
		About: "The replies of a server differ between names that exist and names that do not: to USER, or to the login. Refusals for other reasons do not count, " +
			"such as that access is denied, nor do different answers for one name.",
	},
	{
		Slug: "polling-too-fast", Severity: Low, Scope: AccountScope,
		Title:  "Logins faster than LOGIN-DELAY",
		Advice: "Set the client to look for mail less often.",
		RFC:    "RFC 2449 section 6.5",
		About:  "The server lists LOGIN-DELAY, and an account was logged in to again before that time was over.",
	},
}
