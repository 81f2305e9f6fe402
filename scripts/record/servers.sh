# The servers for record.sh. For each there is
#
#   NAME_install   packages, settings and users in the root of the server
#   NAME_run       runs the server, and does not return: it is carried out by the
#                  shell which is process 1 of a namespace, so that the end of
#                  that shell is the end of all processes of the server
#   NAME_fill DIR  the mails of DIR into the mailbox of alice, and bob's emptied
#
# and a row in the functions below where it differs from its neighbours.

alice=alice:wonderland-7
bob=bob:looking-glass-3

# server_root SERVER names the root: the Dovecots share one.
server_root() {
  case $1 in
    dovecot*) echo dovecot ;;
    *) echo "$1" ;;
  esac
}

server_function() { server_root "$1" | tr - _; }

server_package() {
  case $1 in
    dovecot*) echo dovecot-pop3d ;;
    cyrus) echo cyrus-pop3d ;;
    courier) echo courier-pop ;;
    popa3d | solid-pop3d) echo "$1" ;;
    mailutils) echo mailutils-pop3d ;;
  esac
}

# server_software SERVER prints the package with its version.
server_software() {
  local package
  package=$(server_package "$1")
  # shellcheck disable=SC2016
  chroot "$roots/$(server_root "$1")/root" dpkg-query -W -f '${Package} ${Version}' "$package"
}

install_server() {
  local name
  name=$(server_root "$1")
  [[ ! -d $roots/$name ]] || return 0
  say "installing $name"
  make_root "$name"
  "$(server_function "$1")_install" "$roots/$name/root"
}

# start_server SERVER starts a server, and returns when it listens.
start_server() {
  local name=$1 root
  root=$(server_root "$1")
  if listening; then
    say "the last server has not ended"
    return 1
  fi
  # Without the last line the shell would let the server take its place, and a
  # server that changes its user no longer dies with its parent.
  {
    declare -f "$(server_function "$name")_run"
    echo "$(server_function "$name")_run $name"
    echo 'exit 1'
  } >"$share/run.sh"
  ip netns exec server unshare --uts --pid --fork --kill-child \
    --mount-proc="$roots/$root/root/proc" sh -c \
    'hostname mail.example.org && exec chroot "$0" env -i -C / "$@"' "$roots/$root/root" \
    PATH="$PATH" HOME=/root LC_ALL=C.UTF-8 TZ=UTC bash /record/run.sh \
    >"$work/server.log" 2>&1 &
  server_pid=$!
  if ! wait_for 100 listening; then
    tail -n 5 "$work/server.log" >&2
    return 1
  fi
}

listening() { [[ -n $(ip netns exec server ss -Hltn sport = :110) ]]; }

not_listening() { ! listening; }

stop_server() {
  [[ -n ${server_pid:-} ]] || return 0
  kill -KILL "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=
  wait_for 50 not_listening || true
}

fill_mailbox() { "$(server_function "$1")_fill" "$roots/$(server_root "$1")/root" "$2"; }

# Mailboxes

add_users() {
  local account
  for account in "$alice" "$bob"; do
    chroot "$1" useradd --create-home --shell /bin/sh "${account%:*}"
    echo "$account" | chroot "$1" chpasswd
  done
}

# fill_maildir ROOT DIR puts mails into Maildir folders, with LF line ends as a
# Unix mail system does.
fill_maildir() {
  local root=$1 mails=$2 user mail
  for user in alice bob; do
    rm -rf "$root/home/$user/Maildir"
    mkdir -p "$root/home/$user/Maildir"/{new,cur,tmp}
  done
  for mail in "$mails"/*.eml; do
    # The number leads the name, because servers sort by it.
    tr -d '\r' <"$mail" >"$root/home/alice/Maildir/new/17053080$(
      printf %02d "$(basename "$mail" .eml)"
    ).M1.mail.example.org"
  done
  for user in alice bob; do
    chroot "$root" chown -R "$user:$user" "/home/$user/Maildir"
  done
}

# fill_mbox ROOT DIR puts mails into /var/mail.
fill_mbox() {
  local root=$1 mails=$2 user mail
  for user in alice bob; do
    rm -f "$root/var/mail/$user" "$root/var/mail/.$user"*
    : >"$root/var/mail/$user"
  done
  for mail in $(ls -v "$mails"/*.eml); do
    {
      echo "From bob@example.org Mon Jan 15 09:00:00 2024"
      tr -d '\r' <"$mail" | sed 's/^From />&/'
      echo
    } >>"$root/var/mail/alice"
  done
  for user in alice bob; do
    chroot "$root" chown "$user:mail" "/var/mail/$user"
    chmod 660 "$root/var/mail/$user"
  done
}

# Dovecot, in four settings: what most servers offer, many mechanisms, no
# passwords without TLS, and all of TLS that its library has.

dovecot_install() {
  local root=$1 settings
  install_packages dovecot dovecot-pop3d || return 1
  add_users "$root"
  cp "$share/pop.example.org.key" "$share/pop.example.org.pem" "$root/etc/dovecot/"
  # {PLAIN}, because APOP, CRAM-MD5 and their like need to know the password itself.
  sed 's/:/:{PLAIN}/' >"$root/etc/dovecot/users" <<<"$alice"$'\n'"$bob"
  # Where Dovecot looks for the key of a token that names none: client, algorithm, key.
  mkdir -p "$root/etc/dovecot/tokens/default/HS256"
  base64 -w 0 "$share/token.key" >"$root/etc/dovecot/tokens/default/HS256/default"
  cat >"$root/etc/dovecot/oauth2.conf" <<'CONF'
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=/etc/dovecot/tokens/
username_attribute = sub
CONF
  for settings in dovecot dovecot-more dovecot-strict dovecot-tls; do
    dovecot_settings "$settings" >"$root/etc/dovecot/$settings.conf"
  done
}

dovecot_settings() {
  local mechanisms='plain login apop cram-md5 scram-sha-1 scram-sha-256' clear=no
  case $1 in
    dovecot-more) mechanisms='plain digest-md5 anonymous oauthbearer xoauth2' ;;
    dovecot-strict) mechanisms=plain clear=yes ;;
  esac
  cat <<CONF
protocols = pop3
listen = *, ::
hostname = mail.example.org
login_greeting = POP3 server ready.
log_path = /var/log/dovecot.log
ssl = yes
ssl_cert = </etc/dovecot/pop.example.org.pem
ssl_key = </etc/dovecot/pop.example.org.key
disable_plaintext_auth = $clear
auth_mechanisms = $mechanisms
auth_anonymous_username = bob
mail_location = maildir:~/Maildir
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = /etc/dovecot/oauth2.conf
}
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
userdb {
  driver = passwd
}
CONF
  [[ $1 == dovecot-tls ]] || return 0
  # One process for all connections, so that sessions can be taken up again; and
  # one curve less than clients have, so that some have to try again.
  cat <<'CONF'
ssl_min_protocol = TLSv1
ssl_cipher_list = ALL:@SECLEVEL=0
ssl_cipher_suites = TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256
ssl_curve_list = X25519:P-256
service pop3-login {
  service_count = 0
  process_min_avail = 1
  process_limit = 1
}
CONF
}

dovecot_run() {
  # The sockets of the Dovecot that was stopped before this one.
  rm -rf /run/dovecot
  dovecot -F -c "/etc/dovecot/$1.conf"
}

dovecot_fill() { fill_maildir "$@"; }

# Cyrus keeps passwords in a database of its own and mail in its own spool.

cyrus_install() {
  local root=$1 account
  # msmtp-mta stands in for the mail server that Cyrus asks for.
  install_packages cyrus cyrus-pop3d msmtp-mta sasl2-bin libsasl2-modules \
    libsasl2-modules-db || return 1
  cat >"$root/etc/imapd.conf" <<'CONF'
servername: mail.example.org
configdirectory: /var/lib/cyrus
partition-default: /var/spool/cyrus/mail
defaultpartition: default
proc_path: /run/cyrus/proc
mboxname_lockpath: /run/cyrus/lock
allowplaintext: yes
allowapop: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 NTLM SCRAM-SHA-256
autocreate_quota: 0
unixhierarchysep: yes
CONF
  cat >"$root/etc/cyrus.conf" <<'CONF'
START {
  recover cmd="/usr/sbin/cyrus ctl_cyrusdb -r"
}
SERVICES {
  pop3 cmd="pop3d" listen="pop3" prefork=0
}
EVENTS {
}
CONF
  for account in "$alice" "$bob"; do
    printf %s "${account#*:}" \
      | chroot "$root" saslpasswd2 -p -c -u mail.example.org "${account%:*}"
  done
  chroot "$root" chgrp sasl /etc/sasldb2
  chroot "$root" chmod 640 /etc/sasldb2
}

cyrus_run() {
  mkdir -p /run/cyrus
  chown cyrus:mail /run/cyrus
  /usr/lib/cyrus/bin/master
}

# cyrus_fill begins with an empty spool: numbers of deleted mails do not return.
cyrus_fill() {
  local root=$1 mails=$2 mail inbox
  stop_server
  rm -rf "$root/var/lib/cyrus" "$root/var/spool/cyrus"
  chroot "$root" install -d -o cyrus -g mail /var/lib/cyrus /var/spool/cyrus/mail
  start_server cyrus || return 1
  # Cyrus makes an inbox at the first login.
  in_client python3 -c "import poplib
pop = poplib.POP3('pop.example.org')
pop.user('${alice%:*}')
pop.pass_('${alice#*:}')
pop.quit()" || return 1
  inbox=$(find "$root/var/spool/cyrus/mail" -name cyrus.header -printf '%h\n')
  for mail in "$mails"/*.eml; do
    cp "$mail" "$inbox/$(basename "$mail" .eml)."
  done
  chroot "$root" chown -R cyrus:mail "${inbox#"$root"}"
  in_root server cyrus setpriv --reuid=cyrus --regid=mail --init-groups \
    /usr/lib/cyrus/bin/reconstruct -G user/alice >"$work/reconstruct.log" 2>&1
}

courier_install() {
  local root=$1
  install_packages courier courier-pop || return 1
  add_users "$root"
  sed -i 's/^POP3AUTH=.*/POP3AUTH="PLAIN LOGIN"/' "$root/etc/courier/pop3d"
}

courier_run() {
  install -d -o courier -g courier /run/courier /run/courier/authdaemon
  /usr/sbin/authdaemond start
  /usr/sbin/pop3d start
  sleep infinity
}

courier_fill() { fill_maildir "$@"; }

popa3d_install() {
  install_packages popa3d popa3d || return 1
  add_users "$1"
}

popa3d_run() {
  popa3d -D
  sleep infinity
}

popa3d_fill() { fill_mbox "$@"; }

solid_pop3d_install() {
  install_packages solid-pop3d solid-pop3d socat || return 1
  add_users "$1"
}

# Made for inetd, and so without a socket of its own.
solid_pop3d_run() { socat TCP-LISTEN:110,reuseaddr,fork EXEC:solid-pop3d,nofork; }
solid_pop3d_fill() { fill_mbox "$@"; }

mailutils_install() {
  install_packages mailutils mailutils-pop3d || return 1
  add_users "$1"
}

mailutils_run() { pop3d --daemon --foreground; }
mailutils_fill() { fill_mbox "$@"; }
