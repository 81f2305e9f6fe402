// Package popscope finds the POP3 sessions in captured traffic.
package popscope
