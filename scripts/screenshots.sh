#!/bin/bash
# Make the pictures of terminal output that README shows, from recordings.
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
