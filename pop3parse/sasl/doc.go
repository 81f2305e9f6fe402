// Package sasl reads SASL dialogues (RFC 4422) as POP3's AUTH command puts
// them on the wire (RFC 5034): who logged in, with what, and what somebody
// who reads along gains from it.
//
//	a := sasl.Decode("PLAIN", []sasl.Turn{
//		{Server: true},
//		{Data: []byte("AHRpbQB0YW5zdGFhZnRhbnN0YWFm")},
//	})
//	// a.User is "tim", a.Exposure is sasl.Cleartext
//
// What is read of each mechanism:
//
//	PLAIN                 RFC 4616       user, authzid, password
//	LOGIN                 (draft)        user, password; prompts in any order
//	CRAM-MD5, CRAM-*      RFC 2195       user, challenge, digest
//	DIGEST-MD5            RFC 2831       user, authzid, realm, qop, response, rspauth
//	SCRAM-*, SCRAM-*-PLUS RFC 5802, 7677 user, authzid, iterations, proof, v= and e=
//	NTLM, MSN             [MS-NLMP]      domain\user, workstation, challenge, version of the response
//	XOAUTH2, OAUTHBEARER  RFC 7628       user, token, the server's status
//	EXTERNAL              RFC 4422       authzid
//	ANONYMOUS             RFC 4505       trace text
//	GSSAPI, GSS-SPNEGO    RFC 4752, 4178 mechanism, and of Kerberos the ticket's realm and service
//	KERBEROS_V4           RFC 2222       realm
//
// Names of mechanisms are compared without regard to case. Of a mechanism
// that is not listed, messages that plainly are those of PLAIN, XOAUTH2 or
// NTLM are read as such, and the rest is graded by caution.
//
// Nothing is verified: digests are not computed, and outcomes are those of
// POP3's replies, which this package does not see. Tokens of Kerberos are
// encrypted but for their frame; the user's principal is not visible.
//
// Challenge and MsgID find and judge the timestamp of APOP in a greeting
// (RFC 1939 section 7), which is not SASL but made of the same cloth.
//
// The package keeps no state. Every function takes any bytes, in time
// linear in their length, and what it returns shares no memory with them.
package sasl
