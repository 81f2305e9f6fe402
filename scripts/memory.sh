#!/bin/bash
# Show that memory stays small, whatever the size of a capture.
#
#     memory.sh [MB]
#
# Makes a capture of MB (default 1000) with bigcapture, analyzes it as jsonl and
# as a table, and prints how long that took and the peak of resident memory. The
# exit status is 1 if that is 200 MB or more, or if sessions, logins or messages
# are not those that the capture holds; see bigcapture/measure.py. Needs python3
# and, in the folder for temporary files, room for the capture, which is removed
# at the end.
set -euo pipefail
unset CDPATH

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
size=${1:-1000}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CGO_ENABLED=0
go build -C "$here/.." -o "$work" ./cmd/popscope ./scripts/bigcapture
"$work/bigcapture" -size "$size" -o "$work/mail.pcap" >/dev/null
python3 -B "$here/bigcapture/measure.py" "$work/popscope" "$work/mail.pcap"
