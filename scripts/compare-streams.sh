#!/bin/bash
# Show that our streams are those of tshark, byte for byte.
#
#     compare-streams.sh [FILE...]
#
# Without a FILE, all captures in testdata/pcap are compared. Compressed ones
# can be read as well. Prints a line for each capture, and a total. The exit
# status is 0 if all are the same, 1 if not, and 77 without tshark or python3:
# nothing was compared then. What is compared, and how, stands in
# streams/compare.py.
set -euo pipefail
unset CDPATH

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$here/..

for tool in tshark python3; do
  if ! command -v "$tool" >/dev/null; then
    echo "SKIPPED: $tool is not installed, so nothing was compared" >&2
    exit 77
  fi
done

if [[ $# -eq 0 ]]; then
  shopt -s nullglob
  set -- "$repository"/testdata/pcap/*.{pcap,pcap.gz,pcapng}
  if [[ $# -eq 0 ]]; then
    echo "no captures in testdata/pcap" >&2
    exit 1
  fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -C "$repository" -o "$work/streams" ./scripts/streams
python3 -B "$here/streams/compare.py" "$work/streams" "$@"
