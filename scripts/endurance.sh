#!/usr/bin/env bash
# The live path and the file path run for a long time under the race
# detector, with load, each in one process: shows that memory, threads and
# descriptors stay as they are, and that there is no data race.
#
#	scripts/endurance.sh [-t SECONDS] [-r SESSIONS] [-m MB]
#
#	-t SECONDS   how long (1800)
#	-r SESSIONS  of the live load, a second (50)
#	-m MB        a second through the file path (2)
#
# Live, popscope sniffs the loopback of a network namespace, where a server
# and clients talk; for that it has to be root. The other one reads a pipe
# from which a few captures come again and again, with new times. Every ten
# seconds both are looked at in /proc. The status is 1 when something grew:
# the median of the last fifth is held against that of the second one.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=1800 rate=50 mb=2
while getopts t:r:m: flag; do
	case $flag in
	t) seconds=$OPTARG ;;
	r) rate=$OPTARG ;;
	m) mb=$OPTARG ;;
	*) exit 2 ;;
	esac
done

if [ "${POPSCOPE_INSIDE:-}" = "" ]; then
	if ! unshare -n true 2>/dev/null; then
		echo "no right to make a network namespace: run this as root" >&2
		exit 1
	fi
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	go build -race -o "$work/popscope" ./cmd/popscope
	go build -o "$work/traffic" ./scripts/live
	go build -o "$work/endless" ./scripts/endless
	go build -o "$work/bigcapture" ./scripts/bigcapture
	for kind in mail needle flood; do
		"$work/bigcapture" -kind $kind -size 8 -connections 50 -o "$work/$kind.pcap" >/dev/null
	done
	POPSCOPE_INSIDE=$work unshare -n "$0" -t "$seconds" -r "$rate" -m "$mb"
	exit
fi
work=$POPSCOPE_INSIDE
ip link set lo up
export GORACE="log_path=$work/race"

"$work/popscope" sniff -i lo --json -o /dev/null 2>"$work/live.err" &
live=$!
mkfifo "$work/pipe"
"$work/endless" -rate "$mb" "$work"/{mail,needle,flood}.pcap >"$work/pipe" &
"$work/popscope" analyze --json - <"$work/pipe" >/dev/null 2>"$work/file.err" &
file=$!
for _ in $(seq 300); do
	! grep -q sniffing "$work/live.err" || break
	sleep 0.1
done
"$work/traffic" -mode sessions -rate "$rate" -clients 8 -seconds "$seconds" >"$work/made" &
traffic=$!

# look NAME PID writes down what a process holds now.
look() {
	printf '%s\t%d\t%d\t%d\n' "$1" "$(awk '/^RssAnon/ { print int($2 / 1024) }' "/proc/$2/status")" \
		"$(ls "/proc/$2/task" | wc -l)" "$(ls "/proc/$2/fd" | wc -l)" >>"$work/samples"
}

end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ]; do
	sleep 10
	look live $live
	look file $file
done
wait $traffic
status=0
kill -INT $live $file
wait $live || { echo "live: status $?"; status=1; }
code=0
wait $file || code=$?
[ $code = 130 ] || { echo "file: status $code"; status=1; }

echo "live: $(cat "$work/made"); $(grep 'packets:' "$work/live.err" | sed 's/^popscope: //')"
cat "$work/file.err"
races=$(cat "$work"/race.* 2>/dev/null | grep -c 'WARNING: DATA RACE' || true)
echo "data races: $races"
[ "$races" = 0 ] || { cat "$work"/race.*; status=1; }
for path in live file; do
	for column in 2:memory,MiB:40 3:threads:8 4:descriptors:2; do
		IFS=: read -r n what slack <<<"$column"
		grep -P "^$path\t" "$work/samples" | cut -f "$n" >"$work/column"
		count=$(wc -l <"$work/column")
		early=$(sed -n "$((count / 5 + 1)),$((2 * count / 5 + 1))p" "$work/column" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
		late=$(tail -n $((count / 5 + 1)) "$work/column" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
		echo "$path: $what: $early early, $late late, $(sort -n "$work/column" | tail -1) at most"
		if [ "$late" -gt $((early + early / 4 + slack)) ]; then
			echo "$path: $what grew" >&2
			status=1
		fi
	done
done
exit $status
