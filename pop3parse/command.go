package pop3parse

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
