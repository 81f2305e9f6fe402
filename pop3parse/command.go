package pop3parse

import (
	"bytes"
	"slices"
	"strconv"

	"popscope/pop3parse/sasl"
	"popscope/pop3parse/secret"
)

// Verb is a command keyword in upper case. The set is open: what a client
// sends and no standard knows is a Verb too.
type Verb string

// The commands of RFC 1939, its extensions and dialects.
const (
	USER      Verb = "USER"
	PASS      Verb = "PASS"
	APOP      Verb = "APOP"
	AUTH      Verb = "AUTH"
	STLS      Verb = "STLS"
	CAPA      Verb = "CAPA"
	STAT      Verb = "STAT"
	LIST      Verb = "LIST"
	UIDL      Verb = "UIDL"
	RETR      Verb = "RETR"
	TOP       Verb = "TOP"
	DELE      Verb = "DELE"
	NOOP      Verb = "NOOP"
	RSET      Verb = "RSET"
	QUIT      Verb = "QUIT"
	LAST      Verb = "LAST"
	RPOP      Verb = "RPOP"
	UTF8      Verb = "UTF8"
	LANG      Verb = "LANG"
	XTND      Verb = "XTND"
	XSENDER   Verb = "XSENDER"
	XUIDL     Verb = "XUIDL"
	XAUTHLIST Verb = "XAUTHLIST"
	GURL      Verb = "GURL"
	XCLIENT   Verb = "XCLIENT"
	XOIP      Verb = "XOIP"
)

// multiRule says when +OK is followed by dot-terminated data.
type multiRule uint8

const (
	lookAhead  multiRule = iota // not known: what follows decides
	single                      // never
	multi                       // always
	listing                     // only without an argument
	extensions                  // by sub-command
)

// states is a set of State.
type states uint8

const (
	inAuthorization states = 1 << Authorization
	inTransaction   states = 1 << Transaction
	inAny                  = inAuthorization | inTransaction
)

// argRule says what arguments a command takes.
type argRule uint8

const (
	anyWords argRule = iota // such as cannot be told from others
	nothing                 // none
	numbers                 // of messages and lines, or none
)

// verbSpec is what the parser knows about a command.
type verbSpec struct {
	verb  Verb
	multi multiRule
	in    states
	pop3  bool // tells POP3 from protocols that share USER, PASS, QUIT and AUTH
	takes argRule
	rfc   string
}

// verbs is the whole command set. A new command is a row here, a dialog
// in testdata and its golden file.
var verbs = [...]verbSpec{
	{USER, single, inAuthorization, false, anyWords, "RFC 1939 section 7"},
	{PASS, single, inAuthorization, false, anyWords, "RFC 1939 section 7"},
	{APOP, single, inAuthorization, true, anyWords, "RFC 1939 section 7"},
	{AUTH, listing, inAuthorization, false, anyWords, "RFC 5034 section 4; without argument: draft-myers-sasl-pop3"},
	{STLS, single, inAuthorization, true, nothing, "RFC 2595 section 4"},
	{CAPA, multi, inAny, true, nothing, "RFC 2449 section 5"},
	{STAT, single, inTransaction, true, nothing, "RFC 1939 section 5"},
	{LIST, listing, inTransaction, true, numbers, "RFC 1939 section 5"},
	{UIDL, listing, inTransaction, true, numbers, "RFC 1939 section 7"},
	{RETR, multi, inTransaction, true, numbers, "RFC 1939 section 5"},
	{TOP, multi, inTransaction, true, numbers, "RFC 1939 section 7"},
	{DELE, single, inTransaction, true, numbers, "RFC 1939 section 5"},
	{NOOP, single, inTransaction, false, nothing, "RFC 1939 section 5"},
	{RSET, single, inTransaction, false, nothing, "RFC 1939 section 5"},
	{QUIT, single, inAny, false, nothing, "RFC 1939 sections 4 and 6"},
	{LAST, single, inTransaction, true, nothing, "RFC 1460"},
	{RPOP, single, inAuthorization, true, anyWords, "RFC 1081"},
	{UTF8, single, inAuthorization, true, nothing, "RFC 6856 section 2"},
	{LANG, listing, inAny, false, anyWords, "RFC 6856 section 3"},
	{XTND, extensions, inAny, true, anyWords, "RFC 1082; XLST and XMIT: popper"},
	{XSENDER, single, inTransaction, true, numbers, "Netscape"},
	{XUIDL, listing, inTransaction, true, numbers, "dialect of UIDL"},
	{XAUTHLIST, listing, inTransaction, true, numbers, "dialect of LIST"},
	{GURL, single, inTransaction, true, numbers, "Netscape"},
	{XCLIENT, single, inAuthorization, false, anyWords, "Dovecot"},
	{XOIP, single, inAuthorization, false, anyWords, "Dovecot"},
}

// numSlots is the length of verbSlots, of which most are to be free.
const numSlots = 64

// verbSlots tells where a verb stands in verbs, from 1, by what slotOf makes
// of it. A verb whose slot is taken stands in the next free one. Several
// verbs are looked up for each exchange, and these 64 bytes are read faster
// than a map.
var verbSlots = func() (slots [numSlots]uint8) {
	for i := range verbs {
		v := verbs[i].verb
		at := slotOf(v[0], v[1], v[2])
		for slots[at] != 0 {
			at = (at + 1) % numSlots
		}
		slots[at] = uint8(i + 1)
	}
	return slots
}()

// slotOf returns where in verbSlots the search for a verb begins that has
// these letters first. Of the verbs known by now, no two begin at the same.
func slotOf(a, b, c byte) int { return int(a+41*b+8*c) % numSlots }

// indexOf returns where a verb in upper case stands in verbs, from 1 on; 0
// for one that no known standard or dialect has.
func indexOf[V Verb | []byte](v V) int {
	if len(v) < minKnownVerb {
		return 0
	}
	for at := slotOf(v[0], v[1], v[2]); verbSlots[at] != 0; at = (at + 1) % numSlots {
		if i := int(verbSlots[at]); string(verbs[i-1].verb) == string(v) {
			return i
		}
	}
	return 0
}

// specOf returns what is known of a verb in upper case, or nil.
func specOf(v Verb) *verbSpec {
	if i := indexOf(v); i > 0 {
		return &verbs[i-1]
	}
	return nil
}

// RFC returns where the command is specified, in words for people; "" for
// commands that no known standard or dialect has.
func (v Verb) RFC() string {
	if spec := specOf(v); spec != nil {
		return spec.rfc
	}
	return ""
}

// MaxIndex is the highest Index of a Verb.
const MaxIndex = len(verbs)

// Index numbers the commands that a known standard or dialect has, from 1 on;
// it is 0 for all others. The numbers are good for this version of the
// program only.
func (v Verb) Index() int { return indexOf(v) }

// Lengths of the shortest and the longest verb of verbs.
const (
	minKnownVerb = len(TOP)
	maxKnownVerb = len(XAUTHLIST)
)

// command is a command line taken apart. Its slices point into the line.
type command struct {
	verb   Verb
	spec   *verbSpec // nil when no known standard or dialect has the verb
	sent   []byte    // the verb as written
	args   []byte    // after the verb and one space
	spaces bool      // white space where the grammar has none
}

func (c *command) known() bool { return c.spec != nil }

// parse takes a line without its end apart. It does not copy.
func (c *command) parse(line []byte) {
	begin := 0
	for begin < len(line) && isBlank(line[begin]) {
		begin++
	}
	c.spaces = begin > 0
	c.sent = line[begin:]
	var up [maxKnownVerb]byte
	n := 0
	for ; n < len(c.sent) && !isBlank(c.sent[n]); n++ {
		if n < len(up) {
			up[n] = upperCase(c.sent[n])
		}
	}
	if n < len(c.sent) {
		c.sent, c.args = c.sent[:n], c.sent[n+1:]
	}
	if i := indexOf(up[:min(n, len(up))]); i > 0 && n <= len(up) {
		c.spec = &verbs[i-1]
		c.verb = c.spec.verb
	} else {
		c.verb = Verb(upper(nil, c.sent))
	}
	if c.verb != PASS && len(c.args) > 0 && (c.args[0] == ' ' || c.args[len(c.args)-1] == ' ') {
		c.spaces = true
	}
}

// isCommand reports whether a line is a command that a known standard or
// dialect has.
func isCommand(line []byte) bool {
	var c command
	c.parse(line)
	return c.known()
}

// blanks are what ends a word of a command.
const blanks = " \t"

// isBlank reports whether c ends a word of a command.
func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// upper appends b to dst with ASCII letters in upper case.
func upper(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, upperCase(c))
	}
	return dst
}

// upperCase returns an ASCII letter in upper case.
func upperCase(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}

// ruleFor applies the table of which +OK replies carry data to a command with
// these arguments; a nil spec is one that nobody knows.
func (spec *verbSpec) ruleFor(args []byte) multiRule {
	if spec == nil {
		return lookAhead
	}
	switch spec.multi {
	case listing:
		// A trailing blank is no argument.
		if len(bytes.TrimSpace(args)) == 0 {
			return multi
		}
		if spec.verb.listsMessages() {
			return lookAhead // RFC 1939 says single; some servers send rows
		}
		return single
	case extensions:
		sub, _, _ := bytes.Cut(args, []byte(" "))
		switch {
		case bytes.EqualFold(sub, []byte("XLST")):
			return multi
		case isTransmit(args):
			return single
		}
		return lookAhead
	}
	return spec.multi
}

// takesThese reports whether arguments are such as the command takes, as far
// as that can be told.
func (spec *verbSpec) takesThese(args []byte) bool {
	switch spec.takes {
	case nothing:
		return len(bytes.Trim(args, blanks)) == 0
	case numbers:
		return len(bytes.Trim(args, blanks+"0123456789")) == 0
	}
	return true
}

// isListing reports whether data follow a +OK to the command only where it
// has no argument, by the standards.
func (spec *verbSpec) isListing() bool { return spec != nil && spec.multi == listing }

// listsMessages reports whether rows of a reply are about messages, one each.
func (v Verb) listsMessages() bool {
	return v == LIST || v == UIDL || v == XUIDL || v == XAUTHLIST
}

// isTransmit reports whether the command is XTND XMIT, after whose +OK the
// client sends a mail.
func (spec *verbSpec) isTransmit(args []byte) bool {
	return spec != nil && spec.multi == extensions && isTransmit(args)
}

func isTransmit(args []byte) bool {
	sub, _, _ := bytes.Cut(args, []byte(" "))
	return bytes.EqualFold(sub, []byte("XMIT"))
}

// messageNumber reads the first argument as a message number; 0 if it is none.
func messageNumber(args []byte) int {
	word, _, _ := bytes.Cut(bytes.TrimLeft(args, " "), []byte(" "))
	if len(word) == 0 || word[0] > '9' {
		return 0 // most are no numbers, and errors cost memory
	}
	n, err := strconv.Atoi(string(word))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// argsText says which part of a command's arguments is secret.
func argsText(v Verb, args []byte) secret.Text {
	switch v {
	case PASS, RPOP:
		return secret.NewHiddenText(args)
	case USER:
		// RFC 1939 section 7: one argument. What follows may be a password
		// typed too early, or the rest of a name: Parser.keepName knows more.
		_, behind := cutWord(args)
		return secret.NewMaskedText(args, len(args)-len(behind), len(args))
	case APOP:
		// The digest can be tested offline.
		if _, digest := cutDigest(args); digest != nil {
			return secret.NewMaskedText(args, len(args)-len(digest), len(args))
		}
	case AUTH:
		mech, initial := cutMechanism(args)
		switch {
		case len(mech) == 0:
		case !isMechanism(mech):
			return secret.NewHiddenText(args)
		case len(initial) > 0 && string(initial) != "=":
			return secret.NewMaskedText(args, len(args)-len(initial), len(args))
		}
	}
	return secret.NewText(args)
}

// cutWord cuts arguments behind their first word and the blanks around it.
func cutWord(args []byte) (word, behind []byte) {
	for len(args) > 0 && isBlank(args[0]) {
		args = args[1:]
	}
	if i := slices.IndexFunc(args, isBlank); i >= 0 {
		return args[:i], bytes.TrimLeft(args[i:], blanks)
	}
	return args, nil
}

// holdsPass reports whether arguments of USER hold the next command too, as
// people type them: USER alice PASS sesame.
func holdsPass(args []byte) bool { return bytes.Contains(upper(nil, args), []byte(" PASS ")) }

// cutDigest cuts the arguments of APOP where the digest begins: name SP
// digest (RFC 1939 section 7). That is at the last run of hex digits that is
// long enough, wherever it stands, or else at the last of several words. The
// digest is nil without either.
func cutDigest(args []byte) (name, digest []byte) {
	at := digestAt(args)
	if at < 0 {
		at = bytes.LastIndexAny(bytes.TrimRight(args, blanks), blanks) + 1
		if at == 0 {
			return bytes.TrimRight(args, blanks), nil
		}
	}
	return bytes.Trim(args[:at], blanks), args[at:]
}

// digestAt returns where the last run of hex digits begins that can be a
// digest of MD5; -1 without one.
func digestAt(args []byte) int {
	const digits = 32
	for end := len(args); end >= digits; end-- {
		begin := end
		for begin > 0 && isHexDigit(args[begin-1]) {
			begin--
		}
		if end-begin >= digits {
			return begin
		}
		end = begin
	}
	return -1
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// cutMechanism takes the arguments of AUTH apart (RFC 5034 section 4). The
// initial response is nil where nothing follows the mechanism.
func cutMechanism(args []byte) (mech, initial []byte) {
	args = bytes.TrimLeft(args, blanks)
	if i := bytes.IndexAny(args, blanks); i >= 0 {
		return args[:i], args[i+1:]
	}
	return args, nil
}

// maxMechanism is the length of the longest name that RFC 4422 section 3.1
// allows.
const maxMechanism = 20

// isMechanism reports whether a word can be the name of a SASL mechanism, in
// capitals or in small letters. What cannot is what a client sends that has
// left the name out.
func isMechanism(word []byte) bool {
	const signs = "0123456789-_"
	up, low := bytes.ToUpper(word), bytes.ToLower(word)
	name := bytes.Equal(word, up) != bytes.Equal(word, low) && len(word) <= maxMechanism &&
		len(bytes.Trim(up, signs+"ABCDEFGHIJKLMNOPQRSTUVWXYZ")) == 0
	return name || sasl.Known(string(word))
}
