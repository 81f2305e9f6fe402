#!/usr/bin/env bash
# Makes the pictures in docs/img anew, from recordings of the project: the
# html report, and what the command writes on a terminal. It needs Chromium,
# and fonts with Chinese and Japanese: the package fonts-noto-cjk.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$PWD/docs/img
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
go build -o "$work/popscope" ./cmd/popscope
(cd test/browser && go build -o "$work/shot" ./shot)
PATH=$work:$PATH
cd testdata/pcap

popscope analyze -f html -o "$work/report.html" dovecot-*.pcap*
session=$(popscope analyze --json --records session dovecot-auth-failed.pcap | sed -n 's/.*"session":"\([^"]*\)".*/\1/p')
shot -width 1280 -height 860 "$work/report.html" "$out/report.png"
shot -width 1280 -height 860 -dark -do "location.hash='#times'" "$work/report.html" "$out/times.png"
shot -width 1280 -height 900 -do "location.hash='#s-$session'" "$work/report.html" "$out/ladder.png"

# terminal PICTURE LINES ARGS...: what the command writes, up to LINES of it.
terminal() {
	picture=$1 lines=$2
	shift 2
	COLUMNS=110 popscope "$@" --color always | sed -n "1,${lines}p" | shot -command "popscope $*" - "$out/$picture"
}
terminal table.png 40 analyze dovecot-attachments.pcap dovecot-auth-failed.pcap dovecot-pop3s.pcap dovecot-dele-noquit.pcap
terminal transcript.png 26 analyze -f transcript dovecot-auth-failed.pcap

ls -l "$out"
