// Package audit judges the facts that the parser states: who logged in how
// exposed, what is weak, what looks like an attack, what breaks the rules,
// and what was not seen. Facts go in, findings come out; it sees no packet,
// no file and no output.
//
// A Judge looks at one session alone and has no state, so that workers can
// share it. An Auditor compares sessions, in the order in which it is given
// them, and groups logins by account:
//
//	judge, auditor := audit.NewJudge(&policy), audit.NewAuditor(&policy, audit.Limits{})
//	for each session {
//		findings := judge.Session(&facts, &buffer)
//		auditor.Session(&facts)
//	}
//	across := auditor.Finish(audit.Capture{KernelDrops: drops})
//	accounts, forgotten := auditor.Accounts()
//
// popscope.Analyzer does that for every capture: see popscope.Result and
// popscope.Summary.
//
// Catalogue lists the rules; each is a row in the file of its theme:
//
//	rules_exposure.go   what somebody who reads the traffic gains
//	rules_tls.go        whether and how TLS protects
//	rules_attack.go     somebody tries to get in
//	rules_protocol.go   servers and clients that break the rules
//	rules_evidence.go   what was not seen
//
// A Policy, which ParsePolicy reads, switches rules off and changes their
// severities and thresholds. What an Auditor remembers is bounded by Limits;
// of secrets it keeps digests under a key of the run.
//
// It does not say whether a certificate's chain leads to an authority, and
// compares passwords only where they are shown.
package audit
