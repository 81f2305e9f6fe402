#!/usr/bin/env bash
# Runs every fuzz target of the repository for a time each, some side by
# side, and prints a table of what each did:
#
#	scripts/fuzz.sh [-s] [-t TIME] [-j JOBS] [-o DIR] [PATTERN]
#
#	-s        short: 3 seconds for each of a handful, one of each kind of
#	          parser, to see that they run and find nothing at once
#	-t TIME   for each target, as of go test -fuzztime (20m)
#	-j JOBS   targets at a time, one worker each (number of processors)
#	-o DIR    logs and binaries (a new folder below TMPDIR)
#	PATTERN   a regular expression over "PACKAGE TARGET"
#
# A failing input stays in testdata/fuzz of its package, as go test leaves
# it: mend the bug and commit the input with the mend. The status is 1 where
# a target failed.
set -euo pipefail
cd "$(dirname "$0")/.."

time=20m jobs=$(nproc) out= pattern=.
while getopts st:j:o: flag; do
	case $flag in
	s) time=3s pattern='capture FuzzOpen|packet FuzzDecode|reassembly FuzzModel|pop3parse FuzzPairing|message FuzzParser|tlsdec FuzzWatcher|report FuzzQuoted' ;;
	t) time=$OPTARG ;;
	j) jobs=$OPTARG ;;
	o) out=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
pattern=${1:-$pattern}
out=${out:-$(mktemp -d)}
mkdir -p "$out"

# one runs a target and leaves its log and one line of result.
one() {
	local dir=$1 target=$2 name=${1#./}.$2 result=ok
	name=${name//\//_}
	go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x -parallel 1 >"$OUT/$name.log" 2>&1 || result=FAILED
	awk -v name="$name" -v result="$result" '
		/^fuzz: elapsed/ { for (i = 1; i <= NF; i++) { if ($i == "elapsed:") elapsed = $(i+1); if ($i == "execs:") execs = $(i+1); if ($i == "(total:") total = $(i+1) } }
		END { gsub(/[,)]/, "", elapsed); gsub(/[,)]/, "", total); printf "%s\t%s\t%d\t%d\t%s\n", name, elapsed, execs, total, result }
	' "$OUT/$name.log" >"$OUT/$name.result"
	cat "$OUT/$name.result"
}
export -f one
export OUT=$out time

printf 'target\telapsed\texecutions\tcorpus\tresult\n'
go list -f '{{.Dir}}' ./... | while read -r dir; do
	dir=./$(realpath --relative-to=. "$dir")
	grep -ho '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go 2>/dev/null | sed "s|func |$dir |" || true
done | { grep -E -- "$pattern" || true; } | xargs -r -P "$jobs" -L 1 bash -c 'one "$0" "$1"'

if grep -lq 'FAILED$' "$out"/*.result; then
	echo "logs: $out"
	exit 1
fi
