package pop3parse

import "bytes"

// Refusal is what a server's -ERR to a login or to USER says.
type Refusal struct {
	Reason Reason
	Sure   bool // servers say this for no other reason
}

// Refusals reads what servers say when they refuse: by the response code
// (RFC 2449 section 8.1, RFC 3206), otherwise by words. It remembers what was
// said last, since a server says the same to everybody. Its zero value is
// ready.
type Refusals struct {
	text    []byte // a text, with its response code
	letters uint64 // of its words: see letter
	is      Refusal

	said  []byte // plain words without a name
	judge Refusal
}

// maxRemembered bounds the texts that are remembered.
const maxRemembered = 128

// Read reads the text of a reply. The user is the one that was refused:
// what is only a name in the text is no word of the server.
func (f *Refusals) Read(text, user []byte) Refusal {
	if f.is.Reason != NoReason && bytes.Equal(f.text, text) && !f.mayHold(user) {
		return f.is
	}
	code := responseCode(text)
	words := text
	if code != nil {
		words = text[len(code)+2:]
	}
	r, whole, named := f.words(words, user)
	is := withCode(code, r)
	if !named && len(text) <= maxRemembered {
		f.text, f.letters, f.is = append(f.text[:0], text...), whole, is
	}
	return is
}

// mayHold reports whether the text that is remembered can hold a user's name.
func (f *Refusals) mayHold(user []byte) bool {
	for i, c := range user[:min(len(user), maxReplyLine)] {
		if c == '@' && i > 0 {
			break // without its domain it is there as well
		}
		if c = inWord[c]; c != 0 && f.letters&letter(c) == 0 {
			return false
		}
	}
	return true
}

// letter is a bit for an octet of a word; some share one.
func letter(c byte) uint64 { return 1 << (c & 63) }

// withCode says what a refusal is that has a response code, or nil, and
// words beside it.
func withCode(code []byte, words Refusal) Refusal {
	var room [32]byte
	code = upper(room[:0], code)
	level, _, _ := bytes.Cut(code, []byte("/"))
	switch string(level) {
	case "LOGIN-DELAY":
		return Refusal{LoginDelay, true}
	case "SYS":
		if bytes.HasPrefix(code, []byte("SYS/PERM")) {
			return Refusal{PermFault, true}
		}
		return Refusal{TempFault, true}
	case "AUTH":
		// QUIRK: Dovecot has this code for a client that must use TLS, too.
		if words.Reason == TLSRequired && words.Sure {
			return words
		}
		return Refusal{BadCredentials, words.Reason != BadCredentials || words.Sure}
	case "IN-USE":
		// QUIRK: old Dovecot proxies have this code for temporary failures,
		// too, when nobody has looked at the password.
		return Refusal{InUse, words.Reason != TempFault || !words.Sure}
	}
	return words
}

// words reads a text without its code. It returns the letters of the text,
// too, and whether the user's name is in it.
func (f *Refusals) words(text, user []byte) (r Refusal, letters uint64, named bool) {
	var room, shortRoom [maxReplyLine + 2]byte
	whole := plainWords(room[:0], text)
	said := withoutName(shortRoom[:0], whole, user)
	for _, c := range whole {
		letters |= letter(c)
	}
	if !bytes.Equal(f.said, said) {
		f.judge, f.said = judgeWords(said), f.said[:0]
		if len(said) <= maxRemembered {
			f.said = append(f.said, said...)
		}
	}
	return orWhole(f.judge, said, whole), letters, len(said) < len(whole)
}

// orWhole reads the whole text where nothing was found in what is left
// without the name: without a user called "user", "no such user" says
// nothing. But a client must not choose a name that excuses it.
func orWhole(r Refusal, said, whole []byte) Refusal {
	if r.Reason != OtherReason || len(said) == len(whole) {
		return r
	}
	if w := judgeWords(whole); w.Reason == UnknownUser || w.Reason == BadCredentials {
		return w
	}
	return r
}

// judgeWords finds the first of the sayings that is in plain words.
func judgeWords(said []byte) Refusal {
	first := len(sayings)
	for i, c := range said[:max(len(said)-2, 0)] {
		if c != ' ' {
			continue
		}
		for _, p := range phrases[beginning(said[i+1], said[i+2])] {
			if p.saying >= first {
				break
			}
			if bytes.HasPrefix(said[i:], p.words) {
				first = p.saying
				break
			}
		}
	}
	if first == len(sayings) {
		return Refusal{Reason: OtherReason}
	}
	return sayings[first].Refusal
}

// plainWords appends a space and the words of a text in lower case, each with
// a space after it, without those that tell nothing.
func plainWords(dst, text []byte) []byte { return appendWords(dst, text, true) }

// plainName is plainWords for a name, where each word counts.
func plainName(dst, name []byte) []byte { return appendWords(dst, name, false) }

func appendWords(dst, text []byte, telling bool) []byte {
	dst = append(dst, ' ')
	word := len(dst)
	for _, c := range text[:min(len(text), maxReplyLine)] {
		if c = inWord[c]; c != 0 {
			dst = append(dst, c)
		} else if len(dst) > word {
			dst = endWord(dst, word, telling)
			word = len(dst)
		}
	}
	return endWord(dst, word, telling)
}

// endWord ends the word that begins at an index, or leaves it out.
func endWord(dst []byte, word int, telling bool) []byte {
	switch string(dst[word:]) {
	case "":
		return dst
	case "a", "an", "the", "this", "your", "is", "are", "was", "has", "have", "been", "currently":
		if telling {
			return dst[:word]
		}
	}
	return append(dst, ' ')
}

// inWord are the octets of words, in lower case; 0 for what stands between
// them. Those beyond ASCII are letters of some language.
var inWord = func() (t [256]byte) {
	for c := range t {
		switch b := byte(c); {
		case 'A' <= b && b <= 'Z':
			t[c] = b + 'a' - 'A'
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9', b >= 0x80:
			t[c] = b
		}
	}
	return t
}()

// withoutName appends plain words without the user's name, with and without
// its domain; dst has room for them. Without a name in it, it returns said.
func withoutName(dst, said, user []byte) []byte {
	var room [64]byte // few names are longer
	name := plainName(room[:0], user)
	short := cutName(dst, said, name)
	if local := bytes.IndexByte(user, '@'); local > 0 {
		name = plainName(room[:0], user[:local])
		if len(short) < len(said) {
			return cutName(short[:0], short, name) // what is written is never ahead of what is read
		}
		short = cutName(dst, said, name)
	}
	return short
}

// cutName is withoutName for a name in plain words.
func cutName(dst, said, name []byte) []byte {
	i := -1
	if len(name) > 1 {
		i = bytes.Index(said, name)
	}
	if i < 0 {
		return said
	}
	rest := said
	for ; i >= 0; i = bytes.Index(rest, name) {
		dst = append(dst, rest[:i]...)
		rest = rest[i+len(name)-1:] // the space is the next word's, too
	}
	return append(dst, rest...)
}

// saying is what servers write for one reason: the beginnings of plain words.
// A space at the end is the end of a word.
type saying struct {
	Refusal
	words []string
}

func says(r Reason, words ...string) saying     { return saying{Refusal{r, true}, words} }
func suggests(r Reason, words ...string) saying { return saying{Refusal{r, false}, words} }

// phrases are the words of the sayings, in their order, by beginning.
var phrases = func() (t [256][]phrase) {
	for i, s := range sayings {
		for _, w := range s.words {
			b := beginning(w[1], w[2])
			t[b] = append(t[b], phrase{[]byte(w), i})
		}
	}
	return t
}()

// beginning is nearly the first two octets of a word.
func beginning(first, second byte) byte { return first<<3 ^ second }

type phrase struct {
	words  []byte
	saying int // which it is of
}

// sayings: the first that is there counts, since texts say several things: that
// a password is wrong counts before that the client should try again. What
// says that a client is kept out, whatever it knows, is a matter of
// credentials too (RFC 3206 section 5).
var sayings = []saying{
	says(OtherReason, " number of arguments ", " too many arguments ", " too few arguments ", " syntax error "),
	says(InUse, " another session ", " locked by another ", " lock busy "),
	suggests(BadCredentials, // locked out
		" too many failed ", " too many invalid ", " too many incorrect ", " too many wrong ", " too many unsuccessful ", " too many bad log",
		" too many login ", " too many logon ", " too many auth", " too many password ", " too many attempts ", " too many tries ",
		" failed attempts ", " failed login", " failed logon", " account locked ", " account already locked ", " account temporarily locked ",
		" account disabled ", " account temporarily disabled ", " account suspended ", " account blocked ", " account expired ", " account inactive ",
		" user locked ", " user disabled ", " locked out ", " locked by admin", " locked due to ", " locked because ",
		" temporarily locked ", " temporarily blocked ", " temporarily banned ", " temporarily suspended ", " user not authorized "),
	says(TLSRequired,
		" starttls ", " stls ", " use ssl ", " use tls ", " using ssl ", " using tls ", " enable ssl ", " enable tls ", " ssl required ", " tls required ",
		" requires ssl ", " requires tls ", " require ssl ", " require tls ", " without ssl ", " without tls ", " over ssl ", " over tls ",
		" only ssl ", " only tls ", " ssl only ", " tls only ", " ssl tls only ", " secure connection", " secure channel ", " encrypted connection",
		" encryption required ", " plaintext authentication dis", " plaintext authentication not ", " plain text authentication dis",
		" plaintext login", " cleartext login", " cleartext authentication ", " cleartext passwords "),
	says(BadCredentials,
		" incorrect ", " wrong password", " wrong username ", " wrong login ", " bad password", " bad username ", " invalid password", " invalid pass ",
		" password invalid ", " password wrong ", " password failed ", " password rejected ", " password mismatch ", " password not ", " password doesn t ", " password does not ",
		" or password ", " and password ", " or bad password ", " or invalid password ", " or wrong password ", " or pass ",
		" name password ", " username password ", " user password ", " login password ",
		" invalid credentials ", " bad credentials ", " wrong credentials ", " not accepted ", " lies try again "), // QUIRK: tpop3d
	says(InUse,
		" in use ", " another pop", " another client ", " another process ", " other session ", " already open", " already locked ",
		" unable to lock ", " cannot lock ", " can t lock ", " could not lock ", " couldn t lock ", " failed to lock ",
		" maildrop locked ", " maildrop busy ", " mailbox busy "),
	suggests(InUse, " mailbox locked ", " mail drop locked ", " inbox locked ", " locked by "), // or locked out
	says(LoginDelay,
		" too frequent ", " too frequently ", " too often ", " too soon ", " login delay ", " login interval ", " login limit ", " login allowed only every ",
		" minimum time between ", " between logins ", " minutes apart ", " reduce frequency "),
	says(TempFault,
		" temporary ", " temporarily ", " internal error ", " internal server error ", " internal login failure ", " server error ", " system error ",
		" service unavailable ", " service not available ", " server unavailable ", " server not available ", " server busy ",
		" too many connections ", " too many sessions ", " too many simultaneous ", " too many concurrent ", " too many users ",
		" maximum connection", " maximum number of connections ", " connection limit ", " timed out ",
		" could not be opened ", " could not open ", " unable to open ", " cannot open ", " can t open ",
		" could not connect ", " couldn t connect ", " unable to connect ", " cannot connect ", " can t connect ", " connection refused "), // a proxy, and its server
	says(PermFault, " access not enabled ", " access disabled ", " not enabled for pop", " pop disabled ", " pop3 disabled ", " service disabled "),
	says(UnknownUser,
		" no such user ", " unknown user ", " user unknown ", " no such username ", " unknown username ", " username unknown ", " name unknown ", " unrecognized user",
		" user not found ", " username not found ", " not exist ", " doesn t exist ", " no mailbox ", " no such mailbox ", " unknown mailbox ",
		" mailbox unknown ", " mailbox not found ", " no such account ", " unknown account ", " account unknown ", " account not found ", " account no longer exists ",
		" never heard of "),
	says(NotSupported,
		" unsupported ", " not supported ", " unrecognized ", " unrecognised ", " unknown command ", " unknown authentication ", " unknown auth ", " unknown mechanism ",
		" not implemented ", " invalid command ", " unacceptable command ", " bad command ", " command not ", " not valid in state ", " spa required "),
	says(Cancelled, " authentication abort", " authentication cancel", " exchange abort", " exchange cancel", " cancelled by ", " canceled by ", " aborted by "),
	says(BadCredentials,
		" authentication fail", " authentication error ", " auth fail", " login fail", " logon fail", " invalid login ", " invalid logon ", " bad login ",
		" invalid user", " bad user ", " invalid auth", " unable to log ", " cannot log ", " can t log ", " credential"),
	suggests(BadCredentials, " denied ", " blocked ", " banned "),
	suggests(TLSRequired, " ssl ", " tls ", " cleartext ", " clear text ", " plaintext ", " plain text ", " encrypted "),
	suggests(TempFault, " later ", " again in ", " unavailable ", " not available "),
	suggests(BadCredentials, " password", " passwd "),
	suggests(Cancelled, " cancel", " abort"),
	suggests(BadCredentials, " auth", " login ", " logon ", " invalid "),
}
