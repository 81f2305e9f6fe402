#!/usr/bin/env bash
# Boots a real systemd in a container over this machine's files, which stay as
# they are, and runs the service in it: start, sessions, rights, reload,
# watchdog, stop.
#
# It takes root, systemd-nspawn and a file system that overlays can lie on.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "$(id -u)" != 0 ] || ! command -v systemd-nspawn >/dev/null; then
	echo 'this takes root and systemd-nspawn (Debian: systemd-container)' >&2
	exit 1
fi
work=$(mktemp -d -p /dev/shm)
root=$work/root
trap 'umount "$root" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$root"

CGO_ENABLED=0 go build -trimpath -o "$root/usr/bin/popscope" ./cmd/popscope
CGO_ENABLED=0 go build -o "$root/usr/bin/pop3traffic" ./scripts/live
cp packaging/systemd/popscope.service "$root/etc/systemd/system/"
cp packaging/systemd/popscope.default "$root/etc/default/popscope"
cat >"$root/etc/systemd/system/trial.service" <<'UNIT'
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /trial.sh
StandardOutput=file:/trial.log
StandardError=file:/trial.log
ExecStopPost=systemctl poweroff
UNIT
cat >"$root/trial.sh" <<'TRIAL'
set -eux
of() { systemctl show popscope -p "$1" --value; }
sessions() { grep -c '"type":"session"' "$1" || true; }
ip link set lo up
systemctl start popscope
[ "$(of ActiveState)" = active ]
pop3traffic -count 20 -seconds 5
sleep 3
cd /var/lib/private/popscope
[ "$(sessions sessions.jsonl)" = 20 ]
! grep '^Cap\(Eff\|Prm\|Inh\|Amb\):.*[1-9a-f]$' "/proc/$(of MainPID)/status"
grep '^NoNewPrivs:.1$' "/proc/$(of MainPID)/status"
mv sessions.jsonl old.jsonl
systemctl reload popscope
pop3traffic -count 5 -seconds 5
sleep 3
[ "$(sessions sessions.jsonl)" = 5 ]
sleep 32 # longer than the watchdog waits
[ "$(of ActiveState) $(of NRestarts)" = 'active 0' ]
systemctl stop popscope
[ "$(of Result) $(of ExecMainStatus)" = 'success 0' ]
grep '"type":"summary"' sessions.jsonl
echo 'the service works'
TRIAL
timeout -s KILL 180 systemd-nspawn --quiet --register=no --keep-unit --directory="$root" --private-network \
	--capability=CAP_NET_RAW,CAP_NET_ADMIN --boot systemd.unit=trial.service >"$work/boot.log" 2>&1 || true
if ! grep -x 'the service works' "$root/trial.log"; then
	tail -20 "$work/boot.log" "$root/trial.log" >&2
	exit 1
fi
