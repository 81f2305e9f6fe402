package audit

// Thorough returns a Judge that applies every rule to every session,
// whatever the rule needs.
func (j *Judge) Thorough() *Judge {
	all := *j
	all.always = 1<<len(j.rules) - 1
	return &all
}
