#!/bin/bash
# Record small POP3 captures from real servers and clients.
#
#     record.sh [OUTDIR] [CASE...]
#
# OUTDIR is testdata/pcap of this repository when not given; without a CASE all
# are recorded. 'record.sh --list' lists them. Needs root, Debian 12, its package
# lists ('apt-get update'), and a way to download packages.
#
# Nothing is installed on the machine itself, and nothing stays behind. Each
# server lives in a root of its own: an overlay in memory above the machine's
# root, in which its package is installed. The traffic runs between two network
# namespaces. All that belongs to a mount and a process namespace that end with
# this script, however it ends.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
unset CDPATH

# shellcheck source=sandbox.sh
. "$here/sandbox.sh"
# shellcheck source=servers.sh
. "$here/servers.sh"

# One row for each capture: its name, which is also a function in sessions.py,
# the server, the mails in the mailbox, and how to record:
#   eth        the server's interface (the other ways do that too, except any)
#   any        all interfaces at once, every protocol: link type LINUX_SLL2
#   nano       time stamps in nanoseconds
#   gzip       compressed afterwards
#   pcapng     turned into pcapng afterwards
#   secrets    turned into pcapng with the TLS secrets inside
cases='
dovecot-userpass       dovecot         small        eth
dovecot-apop           dovecot         small        eth
dovecot-plain-initial  dovecot         small        eth
dovecot-plain-twostep  dovecot         small        eth
dovecot-login          dovecot         small        eth
dovecot-cram-md5       dovecot         small        eth
dovecot-scram-sha-1    dovecot         small        eth
dovecot-scram-sha-256  dovecot         small        eth
dovecot-auth-failed    dovecot         small        eth
dovecot-stls           dovecot         small        eth
dovecot-stls-tls12     dovecot         small        eth
dovecot-pop3s          dovecot         small        eth
dovecot-pop3s-tls12    dovecot         small        eth
dovecot-pop3s-cbc      dovecot         small        eth
dovecot-pop3s-secrets  dovecot         small        secrets
dovecot-pipelining     dovecot         many         eth
dovecot-top-uidl       dovecot         small        eth
dovecot-dele-quit      dovecot         small        eth
dovecot-dele-noquit    dovecot         small        eth
dovecot-dele-reset     dovecot         small        eth
dovecot-rset           dovecot         small        eth
dovecot-interleaved    dovecot         small        eth
dovecot-attachments    dovecot         attachments  eth
dovecot-big-mail       dovecot         big          gzip
dovecot-curl           dovecot         small        eth
dovecot-curl-apop      dovecot         small        eth
dovecot-fetchmail      dovecot         small        eth
dovecot-mpop           dovecot         small        eth
dovecot-poplib         dovecot         small        eth
dovecot-ipv6           dovecot         small        eth
dovecot-any            dovecot         small        any
dovecot-pcapng         dovecot         small        pcapng
dovecot-nanoseconds    dovecot         small        nano
dovecot-auth-cancelled dovecot-more    small        eth
dovecot-anonymous      dovecot-more    small        eth
dovecot-oauthbearer    dovecot-more    small        eth
dovecot-xoauth2        dovecot-more    small        eth
dovecot-tls-required   dovecot-strict  small        eth
dovecot-tls13-suites   dovecot-tls     small        eth
dovecot-tls12-suites   dovecot-tls     small        eth
dovecot-tls-old        dovecot-tls     small        eth
dovecot-tls-resumed    dovecot-tls     small        eth
dovecot-tls-updates    dovecot-tls     small        eth
dovecot-tls-mpop       dovecot-tls     small        eth
cyrus                  cyrus           small        eth
cyrus-ntlm             cyrus           small        eth
cyrus-digest-md5       cyrus           small        eth
courier                courier         small        eth
popa3d                 popa3d          small        eth
popa3d-curl            popa3d          small        eth
solid-pop3d            solid-pop3d     small        eth
mailutils              mailutils       small        eth
'

say() { printf 'record: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
case_names() { awk 'NF { print $1 }' <<<"$cases"; }

# outer checks the call and starts this script again inside the namespaces.
outer() {
  if [[ ${1:-} == --list ]]; then
    case_names
    exit
  fi
  if [[ ${1:-} == -* ]]; then
    say "usage: record.sh [OUTDIR] [CASE...]   or   record.sh --list"
    exit 2
  fi
  [[ $EUID == 0 ]] || die "this needs root: it makes namespaces and installs packages in them"

  local outdir=${1:-$here/../../testdata/pcap} name
  shift $(($# > 0))
  for name in "$@"; do
    case_names | grep -qxF -- "$name" || die "there is no case $name (see record.sh --list)"
  done
  mkdir -p "$outdir"
  outdir=$(cd "$outdir" && pwd)
  command -v ip >/dev/null || apt-get -qq install -y --no-install-recommends iproute2 >/dev/null

  work=$(mktemp -d)
  trap 'kill -KILL "$inner" 2>/dev/null || true; rmdir "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # In the background, so that a signal is served at once.
  RECORD_WORK=$work unshare --mount --pid --ipc --fork --kill-child --mount-proc \
    bash "$here/record.sh" "$outdir" "$@" &
  inner=$!
  wait "$inner"
}

# inner records the cases, a server at a time.
inner() {
  local outdir=$1 name server mails how recorded=0
  shift
  make_sandbox "$RECORD_WORK"

  local server_now='' server_bad=''
  while read -r name server mails how; do
    [[ -n $name ]] || continue
    [[ $# == 0 || " $* " == *" $name "* ]] || continue
    if [[ $server != "$server_now" && $server != "$server_bad" ]]; then
      stop_server
      server_now=$server
      if ! (install_server "$server"); then
        say "SKIPPED $server: its package could not be installed"
        server_bad=$server
      elif ! start_server "$server"; then
        say "SKIPPED $server: it does not start"
        server_bad=$server
      fi
    fi
    if [[ $server == "$server_bad" ]]; then
      failures+=("$name")
    elif record_case "$name" "$server" "$mails" "$how" "$outdir"; then
      recorded=$((recorded + 1))
    else
      failures+=("$name")
    fi
  done <<<"$cases"
  stop_server

  say "$recorded captures recorded in $outdir"
  [[ ${#failures[@]} == 0 ]] || die "NOT recorded: ${failures[*]}"
}

# record_case tries three times: on a busy machine the kernel may drop a packet
# or TCP may send one twice, and such a capture is not what the tests expect.
record_case() {
  local name=$1 server=$2 mails=$3 how=$4 outdir=$5 attempt
  for attempt in 1 2 3; do
    rm -rf "$share/out"
    mkdir -p "$share/out"
    fill_mailbox "$server" "$share/mails/$mails"
    if start_capture "$name" "$how" \
      && in_client env SERVER_SOFTWARE="$(server_software "$server")" \
        python3 -B sessions.py "$name" "mails/$mails" "out/$name.truth.json" "out/$name.keylog" \
      && stop_capture \
      && finish_capture "$name" "$how" \
      && in_client python3 -B check.py out "$name"; then
      rm -f "$outdir/$name".*
      cp "$share/out"/* "$outdir/"
      chown --reference="$outdir" "$outdir/$name".*
      say "recorded $name"
      return 0
    fi
    abort_capture
    say "attempt $attempt at $name failed"
  done
  return 1
}

failures=()
if [[ -n ${RECORD_WORK:-} ]]; then
  inner "$@"
else
  outer "$@"
fi
