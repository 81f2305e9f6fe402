#!/usr/bin/env bash
# popscope and tcpdump capture the same load on the loopback, at the same
# time; prints which share of the packets each of them lost, and the ratio.
# Then an hour of sessions goes through the live path, and the memory that it
# takes is printed.
#
#   scripts/live/load.sh [SECONDS]
#
# It makes a network namespace, for which it has to be root.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-10}

if [ "${POPSCOPE_INSIDE:-}" = "" ]; then
	if ! unshare -n true 2>/dev/null; then
		echo "no right to make a network namespace: run this as root" >&2
		exit 1
	fi
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	chmod 755 "$work"
	CGO_ENABLED=0 go build -o "$work/popscope" ./cmd/popscope
	CGO_ENABLED=0 go build -o "$work/traffic" ./scripts/live
	POPSCOPE_INSIDE=$work unshare -n "$0" "$seconds"
	exit
fi
work=$POPSCOPE_INSIDE
ip link set lo up

# start_popscope FLAG... captures in the background.
start_popscope() {
	"$work/popscope" sniff -i lo --json -o "$work/out.jsonl" "$@" 2>"$work/popscope.err" &
	popscope=$!
	for _ in $(seq 100); do
		! grep -q sniffing "$work/popscope.err" || return 0
		sleep 0.1
	done
	cat "$work/popscope.err" >&2
	exit 1
}

# stop PID ends a capture as Ctrl-C does.
stop() { kill -INT "$1"; wait "$1" || true; }

# compare NAME BUFFER RECORDS FLAG... makes traffic with the flags; BUFFER is
# tcpdump's, in KiB, RECORDS are popscope's, whose buffer is always 64 MiB.
compare() {
	local name=$1 buffer=$2 records=$3
	shift 3
	rm -f "$work/out.jsonl"
	start_popscope $records
	tcpdump -i lo -n -B "$buffer" -w /dev/null tcp port 110 2>"$work/tcpdump.err" &
	local tcpdump=$!
	sleep 1
	local made
	made=$("$work/traffic" -seconds "$seconds" "$@")
	sleep 2
	stop $tcpdump
	stop "$popscope"
	awk -v name="$name" -v made="$made" -v buffer="$buffer" '
		/packets captured/ { seen = $1 }
		/dropped by kernel/ { lost = $1 }
		/dropped by the kernel: / {
			split($0, part, /[:,]/)
			ours = part[3]; ourlost = part[5]; sessions = part[7]
		}
		function share(lost, seen) { return lost + seen == 0 ? 0 : lost / (lost + seen) }
		END {
			a = share(ourlost, ours); b = share(lost, seen)
			printf "%s: %s\n", name, made
			printf "  popscope, 64 MiB        %9d packets, %8d lost, %6.3f %%; %d sessions found\n", ours, ourlost, 100 * a, sessions
			printf "  tcpdump, %2d MiB         %9d packets, %8d lost, %6.3f %%\n", buffer / 1024, seen, lost, 100 * b
			if (b > 0) printf "  ratio of the shares: %.3f\n", a / b
			else if (a > 0) print "  ratio of the shares: infinite"
			else print "  neither lost any"
		}' "$work/tcpdump.err" "$work/popscope.err"
}

# Its own buffer is 2 MiB unless it is told otherwise.
for buffer in 2048 65536; do
	sessions='--records session,login,finding,summary'
	compare 'short sessions, as fast as they go' $buffer '' -mode sessions
	compare 'short sessions, 2000 a second' $buffer '' -mode sessions -rate 2000
	compare 'bulk mail at 1 Gbit/s, messages hashed' $buffer '' -mode bulk -rate 31
	compare 'bulk mail at 2.4 Gbit/s, sessions and logins' $buffer "$sessions" -mode bulk -rate 75
	compare 'bulk mail as fast as it goes, sessions and logins' $buffer "$sessions" -mode bulk
	compare 'bulk mail as fast as it goes, messages hashed' $buffer '' -mode bulk
done

echo "an hour of ten sessions a second, as fast as they go:"
rm -f "$work/out.jsonl"
start_popscope --write "$work/packets.pcapng" --rotate-size 16M --max-files 3 --run-as root
"$work/traffic" -mode sessions -count 36000 -seconds 600 -rate 1200 >"$work/made" &
traffic=$!
first=
while kill -0 $traffic 2>/dev/null; do
	sleep 3
	memory=$(awk '/^RssAnon/ { print int($2 / 1024) }' "/proc/$popscope/status")
	threads=$(awk '/^Threads/ { print $2 }' "/proc/$popscope/status")
	echo "  $memory MiB, $threads threads"
	[ -n "$first" ] || first=$memory
done
wait $traffic
cat "$work/made"
sleep 2
stop "$popscope"
grep 'packets:' "$work/popscope.err"
echo "  files kept: $(ls "$work"/packets_* | wc -l)"
if [ "$memory" -gt $((2 * first + 20)) ]; then
	echo "memory grew from $first to $memory MiB" >&2
	exit 1
fi
