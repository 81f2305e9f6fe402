# Roots, networks and captures for record.sh. Everything here runs inside the
# mount and process namespaces that record.sh makes.
#
#   client namespace                     server namespace
#   192.0.2.20  --- eth0 ------- eth0 --- 192.0.2.10   pop.example.org
#   2001:db8::20                          2001:db8::10  pop6.example.org
#                                 ^ tcpdump

# make_sandbox FOLDER makes the networks, the folder that all roots share, the
# mails, and the root of the clients, which also has the tools for recording.
make_sandbox() {
  work=$1
  roots=$work/roots
  share=$work/share
  mount --make-rprivate /
  # resolv.conf is often a link into /run, which is about to disappear.
  resolv_conf=$(cat /etc/resolv.conf 2>/dev/null || true)
  mount -t tmpfs tmpfs "$work"
  mkdir "$roots" "$share"
  # 'ip netns' keeps its names in /run. Here they end with this mount namespace.
  mount -t tmpfs tmpfs /run

  cp "$here"/*.py "$share/"
  say "installing clients and tools"
  make_root client
  install_packages client python3 openssl ca-certificates curl fetchmail mpop \
    ethtool tcpdump tshark
  make_networks
  in_client python3 -B mails.py mails
  in_client openssl req -x509 -newkey rsa:2048 -nodes -days 3650 \
    -subj /CN=pop.example.org -addext subjectAltName=DNS:pop.example.org,DNS:pop6.example.org \
    -keyout pop.example.org.key -out pop.example.org.pem 2>/dev/null
  head -c 32 /dev/urandom >"$share/token.key"
}

make_networks() {
  local side host
  ip netns add client
  ip netns add server
  # Addresses of hardware are fixed and locally administered, because they are
  # in every packet.
  ip -n client link add eth0 mtu 1500 address 02:00:00:00:02:20 type veth \
    peer name eth0 mtu 1500 address 02:00:00:00:02:10 netns server
  for side in client server; do
    host=$([[ $side == client ]] && echo 20 || echo 10)
    # No router solicitations: the network is quiet.
    ip netns exec $side sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/router_solicitations'
    ip -n $side addr add 192.0.2.$host/24 dev eth0
    ip -n $side addr add 2001:db8::$host/64 dev eth0 nodad
    ip -n $side link set lo up
    ip -n $side link set eth0 up
    # With offloading a capture shows packets that no wire would carry: larger
    # than the MTU, and with checksums that are not filled in.
    in_root $side client ethtool -K eth0 tso off gso off gro off tx off rx off >/dev/null
  done
}

# make_root NAME makes a root in memory: the machine's own, with all changes kept
# apart. Of /dev, /proc, /run and /tmp it sees none of the machine's.
make_root() {
  local root=$roots/$1/root device name major minor
  mkdir -p "$roots/$1"/{upper,work,root}
  mount -t overlay overlay \
    -o "lowerdir=/,upperdir=$roots/$1/upper,workdir=$roots/$1/work" "$root"
  [[ -x $root/usr/bin/dpkg && -d $root/var/lib/dpkg ]] \
    || die "/usr and /var must be on the file system of /"
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r name major minor <<<"$device"
    mknod -m 666 "$root/dev/$name" c "$major" "$minor"
  done
  ln -s /proc/self/fd "$root/dev/fd"
  mkdir -m 1777 "$root/dev/shm"
  mkdir "$root/dev/pts" "$root/run/lock"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  mkdir -p "$root/record"
  mount --bind "$share" "$root/record"
  # Packages must not start their servers.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  rm -f "$root/var/lib/man-db/auto-update"
}

# install_packages NAME PACKAGE... installs into a root, with the network of the
# machine, and then gives the root its own names.
install_packages() {
  local root=$roots/$1/root
  shift
  rm -f "$root/etc/resolv.conf"
  printf '%s\n' "$resolv_conf" >"$root/etc/resolv.conf"
  chroot "$root" apt-get -qq install -y --no-install-recommends "$@" \
    >"$work/apt.log" 2>&1 || { tail -n 5 "$work/apt.log" >&2; return 1; }
  rm -rf "$root/var/cache/apt/archives"/*.deb
  : >"$root/etc/resolv.conf"
  echo mail.example.org >"$root/etc/mailname"
  cat >"$root/etc/hosts" <<'HOSTS'
127.0.0.1 localhost
192.0.2.10 mail.example.org mail pop.example.org
192.0.2.20 client.example.org client
2001:db8::10 pop6.example.org
2001:db8::20 client6.example.org
HOSTS
}

# in_root SIDE NAME COMMAND... runs a command in a network namespace and a root,
# with a host name and an environment that tell nothing about the machine. With
# 'replace=exec' in front it takes the place of the shell that calls it.
in_root() {
  local side=$1 root=$roots/$2/root host
  shift 2
  host=$([[ $side == client ]] && echo client || echo mail).example.org
  # shellcheck disable=SC2016
  ${replace:-} ip netns exec "$side" unshare --uts sh -c \
    'hostname "$1" && root=$2 && shift 2 && exec chroot "$root" "$@"' - "$host" "$root" \
    env -i -C /record PATH="$PATH" HOME=/root LC_ALL=C.UTF-8 TZ=UTC "$@"
}

in_client() { in_root client client "$@"; }

# start_capture CASE HOW starts tcpdump beside the server, and returns when it
# is listening.
start_capture() {
  local name=$1 interface=eth0 filter=tcp precision=micro
  case $2 in
    any)
      interface=any filter=''
      # So that the two ask for each other's address again.
      ip -n client neigh flush dev eth0
      ip -n server neigh flush dev eth0
      ;;
    nano) precision=nano ;;
  esac
  # Immediate mode and -U: a packet is in the file as soon as it was on the wire.
  replace=exec in_root server client tcpdump -i "$interface" -n -U --immediate-mode -B 16384 -Z root \
    --time-stamp-precision="$precision" -w "out/$name.pcap" ${filter:+"$filter"} \
    2>"$work/tcpdump.log" &
  tcpdump_pid=$!
  capture=$share/out/$name.pcap
  wait_for 100 grep -q 'listening on' "$work/tcpdump.log"
}

# stop_capture waits until all connections are closed and the file has stopped
# growing. It fails if tcpdump missed a packet.
stop_capture() {
  wait_for 100 all_closed || { say "a connection stays open"; return 1; }
  local size=-1
  until [[ $size == $(stat -c %s "$capture") ]]; do
    size=$(stat -c %s "$capture")
    sleep 0.3
  done
  kill -TERM "$tcpdump_pid"
  wait "$tcpdump_pid" 2>/dev/null || true
  tcpdump_pid=
  if ! grep -q '^0 packets dropped by kernel' "$work/tcpdump.log"; then
    say "tcpdump missed packets:" "$(tail -n 3 "$work/tcpdump.log" | tr '\n' ' ')"
    return 1
  fi
}

abort_capture() {
  [[ -n ${tcpdump_pid:-} ]] || return 0
  kill -KILL "$tcpdump_pid" 2>/dev/null || true
  wait "$tcpdump_pid" 2>/dev/null || true
  tcpdump_pid=
}

all_closed() {
  local side
  for side in client server; do
    [[ -z $(ip netns exec $side ss -Htan state connected exclude time-wait) ]] || return 1
  done
}

# finish_capture CASE HOW makes the file that is kept from the one tcpdump wrote.
finish_capture() {
  local out=$share/out name=$1
  case $2 in
    gzip)
      # No name and no time in the header.
      gzip -9 -n "$out/$name.pcap"
      ;;
    pcapng)
      in_client editcap -F pcapng "out/$name.pcap" "out/$name.pcapng"
      rm "$out/$name.pcap"
      ;;
    secrets)
      in_client editcap -F pcapng --inject-secrets "tls,out/$name.keylog" \
        "out/$name.pcap" "out/$name.pcapng"
      rm "$out/$name.pcap" "$out/$name.keylog"
      ;;
  esac
}

# wait_for N COMMAND... waits until a command succeeds, for N tenths of a second.
wait_for() {
  local tries=$1
  shift
  until "$@" >/dev/null 2>&1; do
    ((tries-- > 0)) || return 1
    sleep 0.1
  done
}
