#!/usr/bin/env bash
# Real Dovecot and real clients, sniffed live on a wire and on the loopback
# while tcpdump captures the same. The records of the live run must be those
# of the file that it kept, byte for byte, and those of tcpdump's file, with
# the same packet numbers: all but the times, which the kernel measures for each
# of the two by itself.
#
#   scripts/live/dovecot.sh
#
# It makes network namespaces, for which it has to be root. It needs tcpdump,
# dovecot-pop3d, openssl, curl and python3; fetchmail and mpop are used if they
# are there.
set -euo pipefail
cd "$(dirname "$0")/../.."

for need in tcpdump dovecot openssl curl python3 ip unshare; do
	command -v $need >/dev/null || { echo "skipped: $need is not installed"; exit 0; }
done
if [ "${POPSCOPE_INSIDE:-}" = "" ]; then
	unshare -mn true 2>/dev/null || { echo "skipped: no right to make namespaces"; exit 0; }
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	chmod 755 "$work"
	CGO_ENABLED=0 go build -o "$work/popscope" ./cmd/popscope
	POPSCOPE_INSIDE=$work unshare -mn "$0"
	exit
fi
work=$POPSCOPE_INSIDE
server=
trap '[ -z "$server" ] || kill $server 2>/dev/null' EXIT

# Two namespaces and a wire: this one is the client's.
mount -t tmpfs tmpfs /run
ip netns add server
ip link set lo up
ip -n server link set lo up
ip link add eth0 type veth peer name eth0 netns server
ip addr add 192.0.2.20/24 dev eth0
ip addr add 2001:db8::20/64 dev eth0 nodad
ip link set eth0 up
ip -n server addr add 192.0.2.10/24 dev eth0
ip -n server addr add 2001:db8::10/64 dev eth0 nodad
ip -n server link set eth0 up

mkdir -p "$work/mail" "$work/base" "$work/home"
openssl req -x509 -newkey rsa:2048 -nodes -days 10 -subj /CN=pop.example.org \
	-keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
echo 'alice:{PLAIN}sesame' >"$work/users"
cat >"$work/dovecot.conf" <<CONF
protocols = pop3
base_dir = $work/base
log_path = $work/dovecot.log
ssl = yes
ssl_cert = <$work/cert.pem
ssl_key = <$work/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login apop cram-md5
mail_location = maildir:$work/mail/%u
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = $work/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$work/home
}
CONF

# mails fills the maildrop.
mails() {
	rm -rf "$work/mail"
	mkdir -p "$work/mail/alice/new" "$work/mail/alice/cur" "$work/mail/alice/tmp"
	for n in 1 2 3; do
		{
			printf 'From: Bob <bob@example.org>\nTo: alice@example.org\nSubject: number %s\n\n' $n
			head -c $((n * n * 40000)) /dev/zero | base64
		} >"$work/mail/alice/new/$n.mail"
	done
	chown -R mail:mail "$work/mail" "$work/home"
}

# sessions HOST has clients of all kinds talk to the server.
sessions() {
	local host=$1
	curl -s -o /dev/null "pop3://alice:sesame@$host/1"
	curl -s -o /dev/null --login-options AUTH=CRAM-MD5 "pop3://alice:sesame@$host/2"
	curl -s -o /dev/null "pop3://alice:wrong@$host/" || true
	curl -s -o /dev/null -k --ssl-reqd "pop3://alice:sesame@$host/1"
	curl -s -o /dev/null -k "pop3s://alice:sesame@$host/1"
	python3 - "$host" <<'PY'
import poplib, socket, sys
host = sys.argv[1].strip("[]")
c = poplib.POP3(host)
c.apop("alice", "sesame") if b"<" in c.getwelcome() else None
c.list(), c.uidl(), c.retr(3), c.dele(2), c.rset(), c.dele(3), c.rset(), c.quit()
s = socket.create_connection((host, 110))
s.sendall(b"CAPA\r\nUSER alice\r\nPASS sesame\r\nSTAT\r\nTOP 1 3\r\nNOOP\r\nQUIT\r\n")
while s.recv(65536):
    pass
s = socket.create_connection((host, 110))  # says nothing and is cut off
s.close()
PY
	if command -v mpop >/dev/null; then
		mpop --host="$(echo "$host" | tr -d '[]')" --user=alice --passwordeval='echo sesame' --tls=off --auth=user --keep=on \
			--uidls-file="$work/uidls" --delivery=mbox,"$work/mbox" -q || true
		rm -f "$work/uidls"
	fi
}

# timeless FILE prints records without what the kernel measures for each
# socket by itself, in nanoseconds: times, and the ids that are made of them.
timeless() {
	python3 - "$1" <<'PY'
import json, sys
ids = {}
for line in open(sys.argv[1]):
    r = json.loads(line)
    for key in ("request_time", "reply_time", "think", "transfer", "time", "start", "end", "id"):
        r.pop(key, None)
    if "session" in r:
        r["session"] = ids.setdefault(r["session"], len(ids))
    if "sessions" in r:
        r["sessions"] = [ids.setdefault(s, len(ids)) for s in r["sessions"]]
    print(json.dumps(r))
PY
}

# same PLACE INTERFACE HOST captures the sessions and compares.
same() {
	local place=$1 interface=$2 host
	shift 2
	rm -f "$work"/live.* "$work"/dump.*
	tcpdump -i "$interface" -n -U -B 65536 -Z root --time-stamp-precision=nano -w "$work/dump.pcap" \
		tcp port 110 or tcp port 995 2>"$work/tcpdump.err" &
	local tcpdump=$!
	"$work/popscope" sniff -i "$interface" --json -o "$work/live.jsonl" --write "$work/live.pcapng" --run-as nobody 2>"$work/popscope.err" &
	local popscope=$!
	for _ in $(seq 100); do
		if grep -q listening "$work/tcpdump.err" && grep -q sniffing "$work/popscope.err"; then break; fi
		sleep 0.1
	done
	for host in "$@"; do sessions "$host"; done
	sleep 4
	kill -INT $popscope
	wait $popscope
	kill -INT $tcpdump
	wait $tcpdump || true
	"$work/popscope" analyze --detect ports --json "$work/dump.pcap" >"$work/dump.jsonl"
	"$work/popscope" analyze --detect ports --json "$work/live.pcapng" >"$work/kept.jsonl"
	for name in live dump kept; do
		grep -v '"type":"run"\|"type":"summary"' "$work/$name.jsonl" >"$work/$name.records"
	done
	cmp "$work/live.records" "$work/kept.records" || {
		echo "$place: the live records are not those of the file it kept" >&2
		exit 1
	}
	for name in live dump; do timeless "$work/$name.records" >"$work/$name.timeless"; done
	cmp "$work/live.timeless" "$work/dump.timeless" || {
		diff "$work/live.timeless" "$work/dump.timeless" | head -4 | cut -c1-400
		echo "$place: the live records are not those of tcpdump's file" >&2
		exit 1
	}
	grep -q '"type":"session"' "$work/live.records"
	echo "$place: $(grep -c '"type":"session"' "$work/live.records") sessions, $(wc -l <"$work/live.records") records: the same live, from its own file and from tcpdump's"
	sed 's/^/  /' "$work/popscope.err"
}

start_dovecot() {
	mails
	"$@" dovecot -F -c "$work/dovecot.conf" &
	server=$!
	for _ in $(seq 100); do
		! "$@" python3 -c 'import socket; socket.create_connection(("127.0.0.1", 110))' 2>/dev/null || return 0
		sleep 0.1
	done
	cat "$work/dovecot.log" >&2
	exit 1
}
stop_dovecot() { kill $server; wait $server || true; server=; sleep 0.5; }

start_dovecot ip netns exec server
same wire eth0 192.0.2.10 '[2001:db8::10]'
stop_dovecot
start_dovecot
same loopback lo 127.0.0.1
stop_dovecot
