package audit

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// tlsRules are about whether and how TLS protects sessions.
var tlsRules = []Rule{
	{
		Slug: "stls-refused", Severity: Medium, Scope: ServerScope, session: stlsRefused, needs: stls,
		Title:  "STLS refused",
		Advice: "Find out why: a server without certificate, or something in between that does not want TLS. Clients that go on in clear need to be set to require TLS.",
		RFC:    "RFC 2595 section 4; RFC 8314 section 4.1",
		About:  "The client asked for STLS and the server said -ERR. A server that refuses because TLS is active already, or because the login is done, is right and no finding; nor is one where the capture does not tell whether it was.",
	},
	{
		Slug: "stls-not-offered", Severity: Medium, Scope: ServerScope, session: stlsNotOffered, needs: capa,
		Title:  "Server does not offer STLS",
		Advice: "Set up a certificate and STLS, or close port 110 and offer port 995 alone.",
		RFC:    "RFC 8314 section 4.1",
		About:  "The answer to CAPA, in clear and before the login, does not list STLS. Where the server lists it in another session there is a finding of the rule stls-stripped beside this one, and goes before it; a list with rows that were overwritten is the rule capa-altered.",
	},
	{
		Slug: "stls-stripped", Severity: Critical, Scope: ServerScope,
		Title:  "STLS offered to some, hidden from others",
		Advice: "Compare the answers to CAPA on the server itself and where the clients are: a box or an attacker in between removes STLS. Have clients require TLS. A change of the server's settings between the two looks the same.",
		RFC:    "RFC 2595 section 7; RFC 8314 section 4.1",
		About:  "In the same capture a server lists STLS in its answer to CAPA, or accepts STLS, in one session, and does not list it in another one before the login: from another client or at another time.",
	},
	{
		Slug: "capa-altered", Severity: High, Scope: ServerScope, session: capaAltered, needs: capa,
		Title:  "Capability overwritten on the way",
		Advice: "Look for a firewall or proxy that inspects POP3 and overwrites what it does not like; STLS is what such boxes hide. Have clients require TLS.",
		RFC:    "RFC 2449 section 5",
		About:  "A row of the answer to CAPA is one letter repeated, as XXXX: no capability has such a name, and boxes that strip TLS overwrite it so because the length must not change.",
	},
	{
		Slug: "capa-inside-tls", Severity: Info, Scope: ServerScope, session: capaInsideTLS, needs: capa,
		Title:  "Capabilities listed inside TLS only",
		Advice: "A server may do so, and clients have to ask again after STLS. If it lists them in clear to others, look for what takes them out on the way.",
		RFC:    "RFC 2595 section 4",
		About:  "After STLS the server lists something that it did not list in clear in the same session, other than ways to log in.",
	},
	{
		Slug: "capa-differs", Severity: Low, Scope: ServerScope,
		Title:  "Server answers CAPA differently",
		Advice: "Find out whether several servers share the address or the settings were changed. If neither, something alters the answers.",
		RFC:    "RFC 2449 section 5",
		About:  "In the same capture a server gave different lists of capabilities in clear before the login. STLS in one and not in the other is the rule stls-stripped.",
	},
	{
		Slug: "stls-injection", Severity: Critical, Scope: PairScope, session: stlsInjection, needs: noted,
		Title:  "Commands or replies between STLS and TLS",
		Advice: "Check who sent them: a client does not speak between STLS and the handshake. Have the server discard what it had read before TLS (CVE-2011-0411 and its like); client likewise.",
		RFC:    "RFC 2595 section 4; RFC 3207 section 6",
		About: "In one go with STLS came further commands, or in one go with the +OK to it a further reply. Whoever sits in between can put them there, and careless servers and clients take them for a part of what TLS protects. " +
			"A session that simply goes on in clear is the rule plaintext-after-stls.",
	},
	{
		Slug: "plaintext-after-stls", Severity: High, Scope: PairScope, session: plaintextAfterSTLS, needs: noted,
		Title:  "Session goes on in clear after STLS",
		Advice: "Find out whether the capture was made behind a box that decrypts. If not, one of the two, or something in between, does without TLS where it was agreed on.",
		RFC:    "RFC 2595 section 4",
		About:  "The server said +OK to STLS, and then POP3 went on in clear, in either direction.",
	},
	{
		Slug: "login-before-stls", Severity: High, Scope: AccountScope, session: loginBeforeSTLS, needs: stls | tlsWanted,
		Title:  "Login in clear before STLS",
		Advice: "Set the client to begin TLS first. What it sent before is known to everybody on the path, also where the server refused it.",
		RFC:    "RFC 2595 section 4; RFC 8314 section 3",
		About:  "A password, a token or a response went in clear in a session that began TLS later, or that the server refused with the word that it wants TLS: refusing comes too late.",
	},
	{
		Slug: "tls-obsolete", Severity: High, Scope: PairScope, session: tlsObsolete, last: true, needs: tls,
		Title:  "Obsolete TLS version",
		Advice: "Turn off everything below TLS 1.2 on the server, and update the client.",
		RFC:    "RFC 7568; RFC 8996; RFC 8997",
		About:  "The handshake settled on SSL 2, SSL 3, TLS 1.0 or TLS 1.1. What the client offered besides does not matter.",
	},
	{
		Slug: "tls-weak-cipher", Severity: High, Scope: PairScope, session: tlsWeakCipher, last: true, needs: tls,
		Title:  "Weak cipher suite",
		Advice: "Have the server offer suites with forward secrecy and AES-GCM or ChaCha20-Poly1305 only.",
		RFC:    "RFC 9325 section 4.1; RFC 7465",
		About:  "The handshake chose a suite without encryption or without authentication, or one with an export, DES, 3DES, RC2, RC4 or MD5 part. Suites that merely lack forward secrecy are no finding.",
	},
	{
		Slug: "certificate-name", Severity: Medium, Scope: ServerScope, session: certificateName, last: true, needs: tls,
		Title:  "Certificate for another name",
		Advice: "Get a certificate with the name that clients are set to, or correct the clients. A client that accepts this one may accept others, too.",
		RFC:    "RFC 9525 section 6; RFC 7817",
		About:  "The name that the client asked for (SNI) is not among the names of the certificate. Can be seen where the client sends a name, up to TLS 1.2 or with a key log.",
	},
	{
		Slug: "certificate-expired", Severity: Medium, Scope: ServerScope, session: certificateExpired, last: true, needs: tls,
		Title:  "Certificate not valid at the time",
		Advice: "Renew the certificate, and have its age watched. Clients that went on may not look at certificates at all.",
		RFC:    "RFC 5280 section 4.1.2.5",
		About:  "At the time of the handshake, by the capture's clock, the certificate had expired or was not valid yet. Can be seen up to TLS 1.2, or with a key log.",
	},
	{
		Slug: "certificate-self-signed", Severity: Low, Scope: ServerScope, session: certificateSelfSigned, last: true, needs: tls,
		Title:  "Self-signed certificate",
		Advice: "Use a certificate of an authority that clients know, or see to it that clients pin this one.",
		RFC:    "RFC 5280 section 6; RFC 7817",
		About:  "The certificate names itself as its issuer, and is signed with its own key as far as that can be checked: clients cannot tell it from that of somebody in between unless they know it beforehand. Can be seen up to TLS 1.2, or with a key log.",
	},
	{
		Slug: "certificate-weak", Severity: Medium, Scope: ServerScope, session: certificateWeak, last: true, needs: tls,
		Title:  "Certificate with a weak key or signature",
		Advice: "Get a certificate with an RSA key of 2048 bits or more, or ECDSA, signed with SHA-256.",
		RFC:    "RFC 9325 section 4.5",
		About:  "The certificate's key is a short RSA or DSA key, or it is signed with MD2, MD5 or SHA-1. Self-signed certificates are judged by their key only. Can be seen up to TLS 1.2, or with a key log.",
		Settings: []Setting{
			{Name: "bits", Default: 2048, About: "RSA and DSA keys below this are short"},
		},
	},
	{
		Slug: "tls-failed", Severity: Low, Scope: PairScope, session: tlsFailed, last: true, needs: tls,
		Title:  "TLS handshake failed",
		Advice: "The alert says why: unknown_ca and bad_certificate mean that the client rejects the certificate, protocol_version and handshake_failure that the two have nothing in common. Without an alert the log of the server has to say it; some servers hang up like that when version or ciphers do not fit. Where the server speaks in clear, set the client to STARTTLS on this port, or to port 995.",
		RFC:    "RFC 8446 section 6",
		About:  "One side ended the handshake with a fatal alert, or the connection ended in the middle of it; or the server spoke in clear where the client began TLS, as on port 110 without STLS. One that only breaks off counts where nothing of the connection is missing, and not with SSL 2.0 nor with early data, which hide its end.",
	},
	{
		Slug: "tls-unused", Severity: Info, Scope: PairScope, session: tlsUnused, last: true, needs: tls,
		Title:  "Client left right behind the TLS handshake",
		Advice: "If the client is to fetch mail here, look whether it trusts the certificate: its log says so. Health checks and monitors leave in the same way, and need nothing.",
		RFC:    "RFC 8446 section 6",
		About:  "Behind a whole handshake the client sent no command: nothing, or one record of the size of an alert. Clients that check the certificate no sooner, as mpop, leave so when they reject it; others, as health checks, when they are done. Without keys the two cannot be told apart; with them an alert that is fatal is tls-failed, and the rest no finding. Counts only where nothing of the connection is missing.",
	},
	{
		Slug: "tls-bad-record", Severity: Medium, Scope: SessionScope, session: tlsBadRecord, last: true, needs: tls,
		Title:  "TLS records that are not authentic",
		Advice: "If the two ends went on, the capture is damaged there, or the records were put in by somebody whom they did not believe. If one of them ended the connection there, something in between may have changed or forged data.",
		RFC:    "RFC 8446 section 5.2; RFC 5246 section 6.2.3",
		About:  "With keys that opened the records before, the tag of a record does not fit its content, or something that is no record stands where one has to begin. Nothing of it is shown. Can be seen with a key log only.",
	},
}

func tlsBadRecord(v *view, r *active) {
	if v.TLS == nil || v.TLS.BadRecords == 0 {
		return
	}
	var e evidence
	e.add(v.TLS.BadAt)
	v.find(r, plural(int(v.TLS.BadRecords), "1 record", "records"), &e)
}

func stlsRefused(v *view, r *active) {
	var e evidence
	for i := range v.Exchanges {
		x := &v.Exchanges[i]
		if x.Verb == pop3parse.STLS && x.Status == pop3parse.Err && !x.Encrypted && !v.Session.STLS && v.beforeLogin(x) {
			e.both(x)
		}
	}
	if e.total > 0 {
		v.find(r, plural(e.total, "1 time", "times"), &e)
	}
}

// beforeLogin reports whether a command was given before the login, also
// where only a login after it shows that.
func (v *view) beforeLogin(x *pop3parse.Exchange) bool {
	if x.State == pop3parse.StateUnknown {
		return slices.ContainsFunc(v.Logins, func(l pop3parse.Login) bool { return l.Exchange > x.N })
	}
	return x.State <= pop3parse.Authorization
}

func stlsNotOffered(v *view, r *active) {
	c := v.Session.ClearCapa
	if v.traits&capa == 0 || c == nil || c.Exchange < v.firstExchange() || Offers(c.Rows, "STLS") || v.Session.STLS || slices.ContainsFunc(c.Rows, overwritten) {
		return
	}
	var e evidence
	e.add(c.At)
	v.find(r, plural(len(c.Rows), "1 capability", "capabilities")+" listed, and STLS is not among them", &e)
}

// firstExchange returns the number of the first exchange of this part.
func (v *view) firstExchange() int {
	if len(v.Exchanges) == 0 {
		return 0
	}
	return v.Exchanges[0].N
}

func capaAltered(v *view, r *active) {
	c := v.Session.ClearCapa
	if v.traits&capa == 0 || c == nil || c.Exchange < v.firstExchange() {
		return
	}
	var e evidence
	for _, row := range c.Rows {
		if overwritten(row) {
			e.add(c.At)
		}
	}
	if e.total > 0 {
		v.find(r, plural(e.total, "1 row", "rows")+" made of one letter", &e)
	}
}

func capaInsideTLS(v *view, r *active) {
	c, inside := v.Session.ClearCapa, v.Session.TLSCapa
	if v.traits&capa == 0 || c == nil || inside == nil || inside.Exchange < v.firstExchange() {
		return
	}
	var more []string
	for _, row := range inside.Rows {
		word, _, _ := bytes.Cut(row, []byte(" "))
		if !loginCapability(word) && !Offers(c.Rows, string(word)) {
			more = append(more, string(word))
		}
	}
	if len(more) > 0 {
		var e evidence
		e.add(c.At)
		e.also(inside.At)
		v.find(r, someOf(more), &e)
	}
}

// overwritten reports whether a capability is one letter repeated.
func overwritten(row []byte) bool {
	word, _, _ := bytes.Cut(row, []byte(" "))
	return len(word) >= 3 && len(bytes.Trim(word, string(word[:1]))) == 0
}

// loginCapability reports whether servers list a capability only inside
// TLS, or only outside of it, with good reason.
func loginCapability(word []byte) bool {
	for _, name := range [...]string{"STLS", "SASL", "USER", "APOP", "AUTH", "IMPLEMENTATION"} {
		if bytes.EqualFold(word, []byte(name)) {
			return true
		}
	}
	return false
}

// someOf joins the first few of a list of words.
func someOf(words []string) string {
	const most = 5
	if len(words) > most {
		return strings.Join(words[:most], ", ") + " and " + itoa(int64(len(words)-most)) + " more"
	}
	return strings.Join(words, ", ")
}

func stlsInjection(v *view, r *active) {
	if !v.Session.STLS {
		return
	}
	var e evidence
	commands, replies := 0, 0
	for i := range v.Exchanges {
		x := &v.Exchanges[i]
		switch {
		case x.Notes.Has(pop3parse.Injected):
			commands++
			e.add(x.RequestFirst)
		case x.Notes.Has(pop3parse.PlaintextAfterSTLS) && x.RequestFirst.Packet == 0 && !v.Session.ClearAfterSTLS:
			replies++
			e.add(x.ReplyFirst)
		}
	}
	switch {
	case commands > 0:
		v.find(r, plural(commands, "1 command", "commands")+" sent in one go with STLS", &e)
	case replies > 0:
		v.find(r, plural(replies, "1 reply", "replies")+" in clear between the +OK to STLS and TLS", &e)
	}
}

func plaintextAfterSTLS(v *view, r *active) {
	if !v.notes.Has(pop3parse.PlaintextAfterSTLS) || !v.Session.ClearAfterSTLS {
		return
	}
	var e evidence
	for i := range v.Exchanges {
		if x := &v.Exchanges[i]; x.Notes.Has(pop3parse.PlaintextAfterSTLS) && !x.Notes.Has(pop3parse.Injected) {
			e.both(x)
		}
	}
	if e.total > 0 {
		v.find(r, plural(e.total, "1 exchange", "exchanges")+" in clear", &e)
	}
}

func loginBeforeSTLS(v *view, r *active) {
	stls := 0 // the exchange that began TLS
	if v.Session.STLS {
		for i := range v.Exchanges {
			if x := &v.Exchanges[i]; x.Verb == pop3parse.STLS && x.Status == pop3parse.OK {
				stls = x.N
			}
		}
	}
	v.byUser(r, func(l *pop3parse.Login) bool {
		sent := !l.Encrypted && l.Exposure != pop3parse.Protected && (l.Secret.Known() || l.Response.Known())
		return sent && (l.Exchange < stls || l.Reason == pop3parse.TLSRequired)
	}, func(_ int, l *pop3parse.Login) string {
		if l.Reason == pop3parse.TLSRequired {
			return l.Mechanism + ", refused because TLS is required"
		}
		return l.Mechanism + ", and STLS after it"
	})
}

// handshake is the evidence of a TLS handshake.
func (v *view) handshake() *evidence {
	var e evidence
	e.add(v.TLS.ClientAt)
	e.also(v.TLS.ServerAt)
	return &e
}

func tlsObsolete(v *view, r *active) {
	if v.TLS == nil || v.TLS.Version == 0 || v.TLS.Version >= 0x0303 {
		return
	}
	v.find(r, v.version()+" was chosen", v.handshake())
}

// version names an obsolete version.
func (v *view) version() string {
	switch v.TLS.Version {
	case 0x0300:
		return "SSL 3.0"
	case 0x0301:
		return "TLS 1.0"
	case 0x0302:
		return "TLS 1.1"
	}
	return "SSL 2.0"
}

// weakParts of the names of cipher suites, each between underscores.
var weakParts = []string{"NULL", "anon", "EXPORT", "EXPORT1024", "DES", "DES40", "3DES", "RC2", "RC4", "MD5"}

func tlsWeakCipher(v *view, r *active) {
	if v.TLS == nil || v.TLS.Version == 0 || v.Cipher == "" {
		return
	}
	weak := strings.HasPrefix(v.Cipher, "TLS_SHA") // of TLS 1.3, without encryption (RFC 9150)
	for _, part := range strings.Split(v.Cipher, "_") {
		weak = weak || slices.Contains(weakParts, part)
	}
	if weak {
		v.find(r, v.Cipher+" was chosen", v.handshake())
	}
}

// certificate returns the server's certificate where it was seen.
func (v *view) certificate() *stream.Certificate {
	if v.TLS == nil {
		return nil
	}
	return v.TLS.Certificate
}

func certificateName(v *view, r *active) {
	c := v.certificate()
	if c == nil || v.TLS.SNI == "" || c.Partly {
		return
	}
	names := c.Names
	if len(names) == 0 && c.CommonName != "" {
		names = []string{c.CommonName}
	}
	for _, n := range names {
		if nameFits(n, v.TLS.SNI) {
			return
		}
	}
	whom := "nobody"
	if len(names) > 0 {
		whom = someOf(names)
	}
	v.find(r, "the client wanted "+v.TLS.SNI+", the certificate is for "+whom, v.handshake())
}

// nameFits reports whether a name of a certificate is that of a server. A
// wildcard stands for one label (RFC 9525 section 6.3).
func nameFits(pattern, name string) bool {
	pattern, name = strings.TrimSuffix(pattern, "."), strings.TrimSuffix(name, ".")
	if strings.EqualFold(pattern, name) {
		return true
	}
	if a, err := netip.ParseAddr(name); err == nil {
		b, err := netip.ParseAddr(pattern)
		return err == nil && a.Unmap() == b.Unmap()
	}
	rest, ok := strings.CutPrefix(pattern, "*.")
	_, domain, found := strings.Cut(name, ".")
	return ok && found && strings.EqualFold(rest, domain)
}

func certificateExpired(v *view, r *active) {
	c := v.certificate()
	if c == nil || v.TLS.ServerAt.Packet == 0 {
		return
	}
	at := v.TLS.ServerAt.Time()
	const day = "2006-01-02 15:04"
	switch {
	case !c.NotAfter.IsZero() && at.After(c.NotAfter):
		v.find(r, "expired on "+c.NotAfter.UTC().Format(day)+" UTC", v.handshake())
	case !c.NotBefore.IsZero() && at.Before(c.NotBefore):
		v.find(r, "valid from "+c.NotBefore.UTC().Format(day)+" UTC on", v.handshake())
	}
}

func certificateSelfSigned(v *view, r *active) {
	if c := v.certificate(); c != nil && c.SelfSigned {
		v.find(r, "issued by "+c.Issuer+" to itself", v.handshake())
	}
}

func certificateWeak(v *view, r *active) {
	c := v.certificate()
	if c == nil {
		return
	}
	kind, size, _ := strings.Cut(c.Key, " ")
	if bits, ok := atoi(size); ok && (kind == "RSA" || kind == "RSA-PSS" || kind == "DSA") && bits < r.count("bits") {
		v.find(r, "key "+c.Key, v.handshake())
		return
	}
	if !c.SelfSigned && (strings.Contains(c.Signature, "SHA1") || strings.Contains(c.Signature, "MD")) {
		v.find(r, "signature "+c.Signature, v.handshake())
	}
}

func tlsFailed(v *view, r *active) {
	if v.TLS == nil || v.TLS.Completed && v.TLS.LeftAt.Packet == 0 || v.TLS.Alert == "close_notify" {
		return
	}
	e := v.handshake()
	switch {
	case v.TLS.ClearAt.Packet != 0:
		e.also(v.TLS.ClearAt)
		v.find(r, "the server speaks in clear on this port", e)
	case v.TLS.Alert != "":
		v.find(r, "alert "+v.TLS.Alert, e)
	case v.brokenOff():
		what := "not completed, and no alert"
		if v.TLS.Version == 0 {
			what = "no ServerHello in answer to the ClientHello"
			if v.TLS.Obstacle == stream.NothingEncrypted {
				what = "no answer to the ClientHello"
			}
		}
		e.also(v.Conn.Ended)
		v.find(r, what+"; the connection ended by "+endWord(v.Conn.Close), e)
	}
}

// brokenOff reports whether the connection is known to have ended before the
// handshake did. Of SSL 2.0 no more than the hellos are read, and what is sent
// early may hide where the handshake of TLS 1.3 ends.
func (v *view) brokenOff() bool {
	t := v.TLS
	return !t.Completed && t.ClientAt.Packet != 0 && v.Conn.Whole() && t.Version != 0x0002 && !(t.EarlyData && t.Version != 0)
}

func tlsUnused(v *view, r *active) {
	if v.TLS == nil || !v.TLS.Completed || v.TLS.Decrypted || v.TLS.LeftAt.Packet == 0 || !v.Conn.Whole() {
		return
	}
	e := v.handshake()
	e.also(v.TLS.LeftAt)
	v.find(r, "no command; perhaps the certificate is not trusted, perhaps a health check", e)
}
