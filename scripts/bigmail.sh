#!/bin/bash
# Show that extracting a mail needs little memory, whatever its size.
#
#     bigmail.sh [MB]
#
# Makes a capture that holds one mail of MB (default 1000) with bigcapture, extracts
# it in every form, and prints how long that took and the peak of resident memory.
# The exit status is 1 if that is 150 MB or more, or if the file is not the mail; see
# bigcapture/measure_extract.py. Needs python3 3.11 and, in the folder for temporary
# files, room for four times the mail, all of which is removed at the end.
set -euo pipefail
unset CDPATH

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
size=${1:-1000}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CGO_ENABLED=0
go build -C "$here/.." -o "$work" ./cmd/popscope ./scripts/bigcapture
"$work/bigcapture" -kind onemail -size "$size" -o "$work/mail.pcap" >/dev/null
python3 -B "$here/bigcapture/measure_extract.py" "$work/popscope" "$work/mail.pcap" "$work/out"
