package tlsdec

import "strconv"

// alertSize is the length of an alert in clear (RFC 8446 section 6).
const alertSize = 2

// alertFatal is the level of alerts that end the connection.
const alertFatal = 2

// alert is an alert record that is put together.
type alert struct {
	body [alertSize]byte
	have int
}

func (a *alert) take(p []byte) { a.have += copy(a.body[a.have:], p) }

// fatal returns the name of a fatal alert, or "".
func (a *alert) fatal() string {
	if a.have < alertSize || a.body[0] != alertFatal {
		return ""
	}
	return alertName(a.body[1])
}

// alertName returns the name of an alert in RFC 8446 section 6, in RFC 5246
// section 7.2 and in the documents before and after them.
func alertName(n byte) string {
	if name, ok := alertNames[n]; ok {
		return name
	}
	return "alert " + strconv.Itoa(int(n))
}

var alertNames = map[byte]string{
	0:   "close_notify",
	10:  "unexpected_message",
	20:  "bad_record_mac",
	21:  "decryption_failed",
	22:  "record_overflow",
	30:  "decompression_failure",
	40:  "handshake_failure",
	41:  "no_certificate",
	42:  "bad_certificate",
	43:  "unsupported_certificate",
	44:  "certificate_revoked",
	45:  "certificate_expired",
	46:  "certificate_unknown",
	47:  "illegal_parameter",
	48:  "unknown_ca",
	49:  "access_denied",
	50:  "decode_error",
	51:  "decrypt_error",
	52:  "too_many_cids_requested",
	60:  "export_restriction",
	70:  "protocol_version",
	71:  "insufficient_security",
	80:  "internal_error",
	86:  "inappropriate_fallback",
	90:  "user_canceled",
	100: "no_renegotiation",
	109: "missing_extension",
	110: "unsupported_extension",
	111: "certificate_unobtainable",
	112: "unrecognized_name",
	113: "bad_certificate_status_response",
	114: "bad_certificate_hash_value",
	115: "unknown_psk_identity",
	116: "certificate_required",
	120: "no_application_protocol",
	121: "ech_required",
}
