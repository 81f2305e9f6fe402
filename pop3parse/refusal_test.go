package pop3parse

import (
	"bytes"
	"strings"
	"testing"
)

// TestRefusals holds the reading of refusals to what servers write. The texts
// are those of the servers named, or of the kind of server.
func TestRefusals(t *testing.T) {
	const sure, guess = true, false
	for _, tt := range []struct {
		server, user, text string
		reason             Reason
		sure               bool
	}{
		// Response codes go first.
		{"RFC 3206", "alice", "[AUTH] no", BadCredentials, sure},
		{"RFC 2449, any case", "alice", "[auth] no", BadCredentials, sure},
		{"RFC 2449", "alice", "[IN-USE] Do you have another POP session running?", InUse, sure},
		{"RFC 2449", "alice", "[LOGIN-DELAY] minimum time between mail checks violation", LoginDelay, sure},
		{"RFC 3206", "alice", "[SYS/TEMP] no", TempFault, sure},
		{"RFC 3206, a level more", "alice", "[sys/perm/disk] full", PermFault, sure},
		{"RFC 3206", "alice", "[SYS/PERM] account disabled", PermFault, sure},
		{"Dovecot", "alice", "[AUTH] Authentication failed.", BadCredentials, sure},
		{"Dovecot", "alice", "[AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.", TLSRequired, sure},
		{"Dovecot", "alice", "[SYS/TEMP] Temporary authentication failure. [pop:2026-01-02 03:04:05]", TempFault, sure},
		{"Dovecot", "alice", "[IN-USE] Internal login failure. Refer to server log for more information.", InUse, guess},
		{"Dovecot, a proxy", "alice", "[IN-USE] Temporary authentication failure.", InUse, guess},
		{"Dovecot", "alice", "[IN-USE] Couldn't sync mailbox.", InUse, sure},
		{"Cyrus", "alice", "[AUTH] Invalid login", BadCredentials, sure},
		{"Cyrus", "alice", "[IN-USE] Unable to lock maildrop", InUse, sure},
		{"Cyrus", "alice", "[LOGIN-DELAY] Logins must be at least 5 minutes apart", LoginDelay, sure},
		{"Qpopper 4", "alice", `[AUTH] Password supplied for "alice" is incorrect.`, BadCredentials, sure},
		{"Qpopper 4", "alice", "[IN-USE] /var/mail/.alice.pop lock busy!  Is another session active? (11)", InUse, sure},
		{"Gmail", "alice", "[AUTH] Username and password not accepted.", BadCredentials, sure},
		{"Gmail", "alice", "[AUTH] Application-specific password required: https://support.example.org/?p=InvalidSecondFactor", BadCredentials, guess},
		{"Gmail", "alice", "[SYS/PERM] Your account is not enabled for POP access. Please visit your settings page and enable your account for POP access.", PermFault, sure},
		{"Yahoo", "alice", "[AUTH] invalid user or password", BadCredentials, sure},
		{"Yahoo", "alice", "[SYS/TEMP] Server error - Please try again later.", TempFault, sure},
		{"perdition before Dovecot", "alice", "[IN-USE] mailbox already in use by pid 12345", InUse, sure},
		{"[AUTH] for a locked account", "alice", "[AUTH] Incorrect username or password, or account locked by administrator", BadCredentials, guess},
		{"[AUTH] with a word of TLS", "alice", "[AUTH] cleartext password incorrect", BadCredentials, sure},

		// Words of servers without codes.
		{"RFC 1939", "mrose", "maildrop already locked", InUse, sure},
		{"RFC 1939", "mrose", "unable to lock maildrop", InUse, sure},
		{"RFC 1939", "frated", "sorry, no mailbox for frated here", UnknownUser, sure},
		{"RFC 1939", "name", "never heard of mailbox name", UnknownUser, sure},
		{"RFC 1939", "mrose", "permission denied", BadCredentials, guess},
		{"Dovecot 1", "alice", "Authentication failed.", BadCredentials, sure},
		{"Dovecot 1", "alice", "Plaintext authentication disabled.", TLSRequired, sure},
		{"Dovecot 1", "alice", "Temporary authentication failure.", TempFault, sure},
		{"Dovecot", "alice", "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", TempFault, sure},
		{"Courier", "alice", "Login failed.", BadCredentials, sure},
		{"Courier", "alice", "Authentication failed.", BadCredentials, sure},
		{"Courier", "alice", "Authentication aborted.", Cancelled, sure},
		{"Courier", "alice", "Temporary problem, please try again later", TempFault, sure},
		{"Courier", "alice", "Maximum connection limit reached.", TempFault, sure},
		{"Cyrus", "alice", "authentication failed: no such user", UnknownUser, sure},
		{"Qpopper 2", "kessler", `Password supplied for "kessler" is incorrect.`, BadCredentials, sure},
		{"Qpopper 2", "tls", `Password supplied for "tls" is incorrect.`, BadCredentials, sure},
		{"Qpopper 2", "alice", ".alice lock busy!  Is another session active? (11)", InUse, sure},
		{"Qpopper 2", "alice", "Maildrop lock busy!  Is another session active?", InUse, sure},
		{"UW ipop3d", "alice", "Bad login", BadCredentials, sure},
		{"UW ipop3d", "alice", "Too many login failures", BadCredentials, guess},
		{"UW ipop3d", "alice", "Server does not support plaintext login, use AUTH", TLSRequired, sure},
		{"popa3d", "alice", "Authentication failed (bad password?)", BadCredentials, sure},
		{"tpop3d", "alice", "Lies! Try again!", BadCredentials, sure},
		{"tpop3d", "alice", "Too many authentication attempts.", BadCredentials, guess},
		{"Exchange", "alice", "Logon failure: unknown user name or bad password.", BadCredentials, sure},
		{"Exchange", "alice", "Authentication failure: unknown user name or bad password.", BadCredentials, sure},
		{"Exchange, which wants TLS", "alice", "Command is not valid in this state.", NotSupported, sure},
		{"Exchange", "alice", "Protocol error. 14", OtherReason, guess},
		{"MS POP3 service", "alice", "Logon Failure", BadCredentials, sure},
		{"MS POP3 service", "alice", "server error", TempFault, sure},
		{"MS POP3 service", "alice", "Service is not available", TempFault, sure},
		{"MS POP3 service", "alice", "SPA Required, use AUTH or APOP", NotSupported, sure},
		{"Hotmail", "alice", "login allowed only every 15 minutes", LoginDelay, sure},
		{"Hotmail", "alice", "Exceeded the login limit for a 15 minute period. Reduce the frequency of requests to the POP3 server.", LoginDelay, sure},
		{"Hotmail", "alice", "Mailbox could not be opened", TempFault, sure},
		{"Perdition", "alice", "failed: Could not connect to server", TempFault, sure},
		{"hMailServer", "alice", "Invalid user name or password.", BadCredentials, sure},
		{"hMailServer", "alice", "Invalid user name or password. Please use full email address as user name.", BadCredentials, sure},
		{"hMailServer", "alice", "Invalid user name or password. Too many invalid logon attempts.", BadCredentials, guess},
		{"hMailServer", "alice", "Your mailbox is already locked", InUse, sure},
		{"Zimbra", "alice", "invalid username/password", BadCredentials, sure},
		{"Zimbra", "alice", "pop access not enabled for account", PermFault, sure},
		{"Zimbra", "alice", "LOGIN failed", BadCredentials, sure},
		{"Coremail", "alice", "Unable to log on", BadCredentials, sure},
		{"QQ", "alice", "login fail, please try again later", BadCredentials, sure},
		{"Mail.ru", "alice", "Invalid login or password for user alice", BadCredentials, sure},
		{"Synchronet", "alice", "Access denied.", BadCredentials, guess},
		{"GNU Mailutils", "alice", "Bad login", BadCredentials, sure},
		{"James", "alice", "Authentication failed.", BadCredentials, sure},

		// Kinds of texts.
		{"a wrong password", "alice", "Password incorrect, please try again", BadCredentials, sure},
		{"a wrong password", "alice", "error in user name or password", BadCredentials, sure},
		{"a wrong password", "alice", "Unknown user or incorrect password", BadCredentials, sure},
		{"a wrong password", "alice", "invalid user name or password, maximum retries", BadCredentials, sure},
		{"a wrong password", "alice", "Username and password not accepted. Your IP may be blocked; unavailable", BadCredentials, sure},
		{"a wrong password", "alice", "Unable to log in user alice", BadCredentials, sure},
		{"a wrong password", "alice", "Authentication failed (author)", BadCredentials, sure},
		{"a wrong password", "hassler@example.org", "Authentication failed for hassler@example.org", BadCredentials, sure},
		{"no word on it", "alice", "Your password has been cancelled", BadCredentials, guess},
		{"locked out", "alice", "This account is locked because of too many failed attempts", BadCredentials, guess},
		{"locked out", "alice", "Account is locked due to too many failed logins", BadCredentials, guess},
		{"locked out", "alice", "Your account has been temporarily locked", BadCredentials, guess},
		{"locked out", "alice", "Mailbox locked: too many invalid passwords", BadCredentials, guess},
		{"locked out", "alice", "is locked", OtherReason, guess},
		{"locked, or locked out", "alice", "Mailbox is locked", InUse, guess},
		{"locked", "alice", "Maildrop is locked by someone else!", InUse, sure},
		{"locked", "alice", "Mailbox is locked by another POP3 session", InUse, sure},
		{"locked", "alice", "Mailbox already open by another session", InUse, sure},
		{"locked", "alice", "Your account is in use, try later", InUse, sure},
		{"not open to all", "alice", "Login failed: user not authorized to use SSL-only service", BadCredentials, guess},
		{"not open to all", "alice", "POP3 access disabled for this user", PermFault, sure},
		{"TLS", "alice", "must issue a STLS command first", TLSRequired, sure},
		{"TLS", "alice", "you must use TLS first", TLSRequired, sure},
		{"TLS", "alice", "Login failed, SSL required", TLSRequired, sure},
		{"TLS", "alice", "Passwords in clear text? No.", TLSRequired, guess},
		{"unknown", "alice", "mailbox does not exist", UnknownUser, sure},
		{"unknown", "alice", "User alice unknown", UnknownUser, sure},
		{"unknown", "alice", "User with name alice not exist", UnknownUser, sure},
		{"unknown", "alice", "user unknown in local database", UnknownUser, sure},
		{"a fault", "alice", "Service temporarily unavailable, try later", TempFault, sure},
		{"a fault", "alice", "storage unavailable", TempFault, guess},
		{"a mechanism", "alice", "Unrecognized authentication type", NotSupported, sure},
		{"a mechanism", "alice", "unsupported authentication mechanism", NotSupported, sure},
		{"a mistake", "alice", "incorrect number of arguments", OtherReason, sure},
		{"nothing", "alice", "go away", OtherReason, guess},
		{"nothing", "alice", "", OtherReason, guess},

		// User names that are words.
		{"a name", "stls", "stls: go away", OtherReason, guess},
		{"a name", "in-use@tls.example.org", "no mailbox for in-use@tls.example.org", UnknownUser, sure},
		{"a name", "ssl@example.org", "Invalid login ssl", BadCredentials, sure},
		{"a name", "Locked.By", "<LOCKED.BY> is wrong", OtherReason, guess},
		{"a name", "user", "no such user", UnknownUser, sure},
		{"a name", "user", "user unknown", UnknownUser, sure},
		{"a name", "password", "password password wrong", BadCredentials, sure},
		{"a name", "the", "in the use", InUse, sure},
	} {
		var f Refusals
		want := Refusal{tt.reason, tt.sure}
		if got := f.Read([]byte(tt.text), []byte(tt.user)); got != want {
			t.Errorf("%s: -ERR %s: for %s\n got %s, sure %v\nwant %s, sure %v", tt.server, tt.text, tt.user, got.Reason, got.Sure, want.Reason, want.Sure)
		}
	}
}

// TestRefusalsRemember: what was read before changes nothing.
func TestRefusalsRemember(t *testing.T) {
	texts := []string{"", "no such user", "bob: no such user", "tls: no", "maildrop in use", "[AUTH] no", "[IN-USE] no", "go away", "Password of user is incorrect", "user", "tls" + strings.Repeat(" x", 70), "tls" + strings.Repeat(" x", 62)}
	users := []string{"", "alice", "bob", "user", "tls", "in", "maildrop@example.org", "the", "the.user", "@tls", "user" + strings.Repeat(".", 600) + "z"}
	var kept Refusals
	for range 2 {
		for _, before := range texts {
			for _, text := range texts {
				for _, user := range users {
					kept.Read([]byte(before), []byte("user"))
					var fresh Refusals
					if got, want := kept.Read([]byte(text), []byte(user)), fresh.Read([]byte(text), []byte(user)); got != want {
						t.Fatalf("%q for %q after %q: got %v, want %v", text, user, before, got, want)
					}
				}
			}
		}
	}
}

// TestSayingsAreInPlainWords: a saying that is written otherwise is never found.
func TestSayingsAreInPlainWords(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range sayings {
		for _, w := range s.words {
			plain := string(plainWords(nil, []byte(w)))
			if !strings.HasSuffix(w, " ") {
				plain = strings.TrimSuffix(plain, " ")
			}
			if plain != w || seen[w] {
				t.Errorf("%q: in plain words %q, there before: %v", w, plain, seen[w])
			}
			seen[w] = true
		}
	}
}

// FuzzRefusals: what a text says does not depend on what was read before, and
// a name is cut out wherever it is.
func FuzzRefusals(f *testing.F) {
	f.Add([]byte(`Password supplied for "kessler" is incorrect.`), []byte("kessler"))
	f.Add([]byte("[IN-USE] a b a b"), []byte("a@b"))
	f.Add(bytes.Repeat([]byte("a b "), 300), []byte("a b a"))
	f.Fuzz(func(t *testing.T, text, user []byte) {
		var r, kept Refusals
		first := r.Read(text, user)
		kept.Read(text, nil)
		if again := kept.Read(text, user); again != first || first.Reason == NoReason {
			t.Errorf("got %v, and %v where the text was read before", first, again)
		}
		whole := plainWords(nil, text)
		name := plainName(nil, user)
		short := withoutName(make([]byte, 0, len(whole)), whole, user)
		if bytes.Count(name, []byte(" ")) == 2 && bytes.Contains(short, name) { // one word
			t.Errorf("%q without %q: %q", whole, name, short)
		}
	})
}

// BenchmarkRefusals is what a failed login takes.
func BenchmarkRefusals(b *testing.B) {
	users := [][]byte{[]byte("alice"), []byte("bob@example.org")}
	for _, bb := range []struct {
		name  string
		texts [2]string
	}{
		{"the same", [2]string{"[AUTH] Authentication failed.", "[AUTH] Authentication failed."}},
		{"with the name", [2]string{`Password supplied for "alice" is incorrect.`, `Password supplied for "bob" is incorrect.`}},
		{"new", [2]string{"Sorry, that is not what I know of you", "Sorry, but that is not what I know of you"}},
		{"new and long", [2]string{strings.Repeat("in us ", 90), strings.Repeat("in us e", 90)}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			texts := [2][]byte{[]byte(bb.texts[0]), []byte(bb.texts[1])}
			var f Refusals
			for i := range b.N {
				f.Read(texts[i&1], users[i&1])
			}
		})
	}
}
