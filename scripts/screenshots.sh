#!/bin/bash
# Make the pictures that README shows, from recordings: terminal output, and
# the html report, for which it needs Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work" ./cmd/popscope ./scripts/termshot
mkdir -p docs
cd testdata/pcap

# shot PICTURE ARGS... shows popscope with these arguments.
shot() {
	local picture=$1
	shift
	COLUMNS=120 "$work/popscope" "$@" --color always | "$work/termshot" "popscope $*" >"../../docs/$picture.svg"
}
shot analyze analyze dovecot-interleaved.pcap dovecot-attachments.pcap dovecot-stls.pcap courier.pcap
shot transcript analyze -f transcript dovecot-auth-failed.pcap

"$work/popscope" analyze -f html -o "$work/report.html" dovecot-*.pcap*
session=$("$work/popscope" analyze --json --records session dovecot-auth-failed.pcap | sed -n 's/.*"session":"\([^"]*\)".*/\1/p')
mkdir -p ../../docs/img
cd ../../test/browser
go build -o "$work/page" ./shot
"$work/page" -width 1280 -height 860 "$work/report.html" ../../docs/img/report.png
"$work/page" -width 1280 -height 860 -dark -do "location.hash='#times'" "$work/report.html" ../../docs/img/times.png
"$work/page" -width 1280 -height 900 -do "location.hash='#s-$session'" "$work/report.html" ../../docs/img/ladder.png
