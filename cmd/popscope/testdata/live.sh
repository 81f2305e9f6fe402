# What the scripts of live runs share: each begins with . "$LIVE", in a network
# namespace of its own.

# begin FLAG... starts the program, whose standard output is file descriptor 3.
begin() {
	rm -f err; : >err
	popscope sniff "$@" 2>err >&3 & sniff=$!
	until_true grep -q sniffing err
}
# end SIGNAL ends it, and ended waits for that.
end() { kill -$1 $sniff; ended; }
ended() { wait $sniff && echo "status $?" >status || echo "status $?" >status; }
# until_true COMMAND... waits for it to be true.
until_true() {
	for i in $(seq 600); do
		"$@" && return
		sleep 0.1
	done
	echo "never true: $*"; cat err; exit 1
}
# metric NAME N: whether a count is N or more.
metric() {
	getmetrics 127.0.0.1:9110 >metrics
	[ "$(sed -n "s/^popscope_$1 //p" metrics)" -ge $2 ]
}
# hold N leaves the last of N sessions open until release.
hold() {
	rm -f held; mkfifo held
	pop3talk 127.0.0.1:110 $1 hold <held & talk=$!
	exec 7>held
}
release() { exec 7>&-; wait $talk || true; }
trap 'kill -9 $sniff $talk 2>/dev/null || :' EXIT # nothing goes on behind a failure
ip link set lo up
exec 3>/dev/null
set -e
