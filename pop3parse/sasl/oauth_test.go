package sasl

import "testing"

const bearerToken = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

func TestRFC7628Section4(t *testing.T) {
	const message = "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer " + bearerToken + "\x01\x01"
	const failure = `{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/.well-known/openid-configuration"}`
	ok := Attempt{User: bytesOf("user@example.com"), AuthzID: bytesOf("user@example.com"), Secret: secretOf(bearerToken),
		Exposure: Token, Service: bytesOf("server.example.com:143"), ChannelBinding: "n"}
	refused := ok
	refused.ServerError = "invalid_token"
	checkDecode(t, []decodeCase{
		{"4.1 success", "OAUTHBEARER", []Turn{c("bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB")}, ok},
		{"4.2 two steps", "OAUTHBEARER", []Turn{s(""), ce(message)}, ok},
		{"4.3 failure", "OAUTHBEARER", []Turn{ce(message), se(failure), c("AQ==")}, refused},
		{"4.3 failure, client lost", "OAUTHBEARER", []Turn{se(failure)}, Attempt{Exposure: Protected, ServerError: "invalid_token", Incomplete: true}},
	})
}

func TestOAuthForms(t *testing.T) {
	alice := Attempt{User: bytesOf("alice@example.org"), Secret: secretOf("t0ken"), Exposure: Token}
	with := func(change func(*Attempt)) Attempt { a := alice; change(&a); return a }
	checkDecode(t, []decodeCase{
		{"XOAUTH2", "XOAUTH2", []Turn{ce("user=alice@example.org\x01auth=Bearer t0ken\x01\x01")}, alice},
		{"XOAUTH2 refused by number", "XOAUTH2", []Turn{ce("user=alice@example.org\x01auth=Bearer t0ken\x01\x01"), se(`{"status":400,"schemes":"bearer"}`), c("")},
			with(func(a *Attempt) { a.ServerError = "400" })},
		{"XOAUTH2 refused by text", "XOAUTH2", []Turn{ce("user=alice@example.org\x01auth=bearer t0ken\x01\x01"), se(`{"status":"401"}`), c("")},
			with(func(a *Attempt) { a.ServerError = "401" })},
		{"broken JSON", "XOAUTH2", []Turn{ce("user=alice@example.org\x01auth=Bearer t0ken\x01\x01"), se(`{"status":"401`)},
			with(func(a *Attempt) { a.Malformed = true })},
		{"no base64", "XOAUTH2", []Turn{c("user=alice@example.org\x01auth=Bearer t0ken\x01\x01")},
			with(func(a *Attempt) { a.BadBase64 = true })},
		{"one separator at the end", "XOAUTH2", []Turn{ce("user=alice@example.org\x01auth=Bearer t0ken\x01")},
			with(func(a *Attempt) { a.Malformed = true })},
		{"another scheme", "XOAUTH2", []Turn{ce("user=alice@example.org\x01auth=MAC t0ken\x01\x01")},
			with(func(a *Attempt) { a.Secret, a.Malformed = secretOf("MAC t0ken"), true })},
		{"question for the configuration", "OAUTHBEARER", []Turn{ce("n,,\x01auth=\x01\x01")},
			Attempt{Exposure: Protected, ChannelBinding: "n"}},
		{"no port", "OAUTHBEARER", []Turn{ce("y,,\x01host=mail.example.org\x01auth=Bearer t0ken\x01\x01")},
			Attempt{Secret: secretOf("t0ken"), Exposure: Token, Service: bytesOf("mail.example.org"), ChannelBinding: "y"}},
		{"cancelled", "XOAUTH2", []Turn{s(""), c("*")}, Attempt{Exposure: Protected, Cancelled: true}},
	})
}
