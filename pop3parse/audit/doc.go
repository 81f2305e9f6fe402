// Package audit judges the facts that the parser states: who logged in how
// exposed, what is weak, what looks like an attack, what breaks the rules,
// and what was not seen.
package audit
