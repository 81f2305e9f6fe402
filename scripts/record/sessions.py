#!/usr/bin/env python3
"""Hold the POP3 sessions of one recording.

    sessions.py CASE MAILS TRUTH KEYLOG

CASE is the name of a recording; the function of that name below, with '_' for
'-', says what happens in it. MAILS is the folder of the set of mails that lies
in the mailbox. What the clients knew is written to TRUTH, and the TLS secrets,
if there were any, to KEYLOG.

The environment variable SERVER_SOFTWARE names the server for TRUTH.
"""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import platform
import poplib
import ssl
import subprocess
import sys
import time

from pop3client import Client, OpenSSL

HOST = "pop.example.org"
HOST6 = "pop6.example.org"  # the same server, with an IPv6 address alone
CERTIFICATE = "/record/pop.example.org.pem"
ALICE = ("alice", "wonderland-7")
BOB = ("bob", "looking-glass-3")


class Recording:
    """What the sessions of a recording share, and the truth about them."""

    def __init__(self, mails, keylog):
        self.mails = mails
        self.keylog = keylog
        self.manifest = json.loads((mails / "manifest.json").read_text())
        self.sessions = []
        self.client_software = f"Python {platform.python_version()}"

    def connect(self, host=HOST, port=110, tls=None, session=None):
        client = Client((host, port), self.manifest, tls, session)
        self.sessions.append(client.truth)
        return client

    def openssl(self, *arguments, port=995, stls=False):
        client = OpenSSL((HOST, port), self.manifest, self.keylog, *arguments, stls=stls)
        self.sessions.append(client.truth)
        return client

    def tls(self, version, ciphers=None):
        """Return a TLS context that trusts the server and speaks one version."""
        context = ssl.create_default_context(cafile=CERTIFICATE)
        context.keylog_filename = self.keylog
        context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        return context

    def note(self, mechanism, numbers, command="RETR", **more):
        """Note a session of another client: what it was told to do.

        Its messages are those in the mailbox, because the programs used here
        change what they store or print.
        """
        user, password = more.pop("account", ALICE)
        session = {
            "logins": [
                {
                    "mechanism": mechanism,
                    "user": user,
                    "password": password,
                    "outcome": more.pop("outcome", "success"),
                }
            ],
            "messages": [],
            "deleted": 0,
            "committed": True,
            "tls": "none",
        }
        for number in numbers:
            message = dict(self.manifest[number - 1], command=command)
            if command == "RETR":
                message["as_stored"] = True
            session["messages"].append(message)
        session.update(more)
        self.sessions.append(session)

    def run(self, package, *command, status=0, stdin=None, **environment):
        """Run a client program and return what it printed."""
        version = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", package],
            check=True, capture_output=True, text=True,
        ).stdout
        self.client_software = f"{package} {version}"
        done = subprocess.run(
            command, capture_output=True, input=stdin, env={**os.environ, **environment}
        )
        if done.returncode != status:
            raise SystemExit(
                f"{package} ended with status {done.returncode}:\n"
                + (done.stdout + done.stderr).decode(errors="replace")
            )
        return done.stdout

    def curl(self, *arguments, account=ALICE, **more):
        return self.run("curl", "curl", "-sS", "-u", ":".join(account), *arguments, **more)


# Logins


def dovecot_userpass(rec):
    pop = rec.connect()
    pop.ask_data("CAPA")
    pop.user_pass(*ALICE)
    pop.ask("STAT")
    pop.ask_data("LIST")
    for number in (1, 2, 3, 4):
        pop.retr(number)
    pop.ask("NOOP")
    pop.quit()


def dovecot_apop(rec):
    pop = rec.connect()
    pop.apop(*ALICE)
    pop.ask("STAT")
    pop.quit()


def dovecot_plain_initial(rec):
    pop = rec.connect()
    pop.auth_plain(*ALICE)
    pop.ask("STAT")
    pop.quit()


def dovecot_plain_twostep(rec):
    pop = rec.connect()
    pop.auth_plain(*ALICE, initial=False)
    pop.ask("STAT")
    pop.quit()


def dovecot_login(rec):
    pop = rec.connect()
    pop.auth_login(*ALICE)
    pop.ask("STAT")
    pop.quit()


def dovecot_cram_md5(rec):
    pop = rec.connect()
    pop.auth_cram_md5(*ALICE)
    pop.ask("STAT")
    pop.quit()


def dovecot_scram_sha_1(rec):
    pop = rec.connect()
    pop.auth_scram(*ALICE, "sha1")
    pop.ask("STAT")
    pop.quit()


def dovecot_scram_sha_256(rec):
    pop = rec.connect()
    pop.auth_scram(*ALICE)
    pop.ask("STAT")
    pop.quit()


def dovecot_auth_cancelled(rec):
    """Dovecot quotes a word that curl expects bare, and curl answers with '*'."""
    rec.curl("--login-options", "AUTH=DIGEST-MD5", f"pop3://{HOST}/1", status=67)
    # curl never came to say who it was.
    rec.note("DIGEST-MD5", [], account=(None, None), outcome="failure", committed=False)


def dovecot_anonymous(rec):
    pop = rec.connect()
    pop.auth("ANONYMOUS", None, None, lambda _: None, b"white.rabbit@example.org")
    pop.ask("STAT")
    pop.quit()


def token(lifetime):
    """Return a JSON Web Token for alice, signed with the key the server knows."""

    def url64(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    now = int(time.time())
    claims = {"sub": "alice", "iss": "https://id.example.org", "iat": now - 7200, "exp": now + lifetime}
    signed = url64(b'{"alg":"HS256","typ":"JWT"}') + b"." + url64(json.dumps(claims).encode())
    key = pathlib.Path("/record/token.key").read_bytes()
    return (signed + b"." + url64(hmac.digest(key, signed, hashlib.sha256))).decode()


def dovecot_oauthbearer(rec):
    """A token that is good, then one that has expired."""
    for lifetime in (3600, -3600):
        secret = token(lifetime)
        # RFC 7628 section 3.1
        message = f"n,a=alice,\x01host={HOST}\x01port=110\x01auth=Bearer {secret}\x01\x01"
        pop = rec.connect()
        # An error comes as a challenge; section 3.2.3 asks for %x01 in return.
        if pop.auth("OAUTHBEARER", "alice", secret, lambda _: b"\x01", message.encode()):
            pop.ask("STAT")
        pop.quit()


def dovecot_xoauth2(rec):
    """A token that is good, then one that has expired."""
    for lifetime in (3600, -3600):
        secret = token(lifetime)
        message = f"user=alice\x01auth=Bearer {secret}\x01\x01"
        pop = rec.connect()
        if pop.auth("XOAUTH2", "alice", secret, lambda _: b"", message.encode()):
            pop.ask("STAT")
        pop.quit()


def dovecot_auth_failed(rec):
    """Three ways to be refused, then the right password on the same connection."""
    pop = rec.connect()
    pop.user_pass("alice", "queen-of-hearts")
    pop.auth_plain("alice", "cheshire-cat")
    pop.auth("PLAIN", None, None, lambda _: None)
    pop.user_pass(*ALICE)
    pop.ask("STAT")
    pop.quit()


def dovecot_tls_required(rec):
    """A server that takes no password in clear, and a client that learns it late."""
    pop = rec.connect()
    pop.ask_data("CAPA")
    pop.user_pass(*ALICE)
    pop.quit()


# TLS


def dovecot_stls(rec):
    pop = rec.connect()
    pop.ask_data("CAPA")
    pop.stls(rec.tls(ssl.TLSVersion.TLSv1_3), HOST)
    pop.ask_data("CAPA")
    pop.user_pass(*ALICE)
    pop.retr(1)
    pop.quit()


def dovecot_stls_tls12(rec):
    rec.curl(
        "--ssl-reqd", "--tls-max", "1.2", "--cacert", CERTIFICATE, f"pop3://{HOST}/1",
        SSLKEYLOGFILE=rec.keylog,
    )
    rec.note("CRAM-MD5", [1], tls="stls", tls_version="TLSv1.2")


def dovecot_pop3s(rec):
    pop = rec.connect(port=995, tls=rec.tls(ssl.TLSVersion.TLSv1_3))
    pop.ask_data("CAPA")
    pop.auth_plain(*ALICE)
    for number in (1, 2):
        pop.retr(number)
    pop.quit()


def dovecot_pop3s_tls12(rec, ciphers="ECDHE-RSA-CHACHA20-POLY1305"):
    pop = rec.connect(port=995, tls=rec.tls(ssl.TLSVersion.TLSv1_2, ciphers))
    pop.user_pass(*ALICE)
    pop.retr(1)
    pop.quit()


def dovecot_pop3s_cbc(rec):
    """A cipher from before AEAD, with the MAC after the encryption (RFC 7366)."""
    dovecot_pop3s_tls12(rec, "ECDHE-RSA-AES128-SHA256")


def dovecot_pop3s_secrets(rec):
    dovecot_pop3s(rec)


def small_talk(pop):
    """The dialogue of all that follow, once in clear and then in TLS."""
    pop.user_pass(*ALICE, small=True)
    pop.ask("stat")
    pop.ask_data("list")
    pop.retr(1, small=True)
    pop.quit(small=True)


def dovecot_tls13_suites(rec):
    """All suites of TLS 1.3, the last one after STLS."""
    small_talk(rec.connect())
    suites = ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256", "AES_128_CCM_SHA256")
    for suite in suites:
        small_talk(rec.openssl("-tls1_3", "-ciphersuites", "TLS_" + suite))
    small_talk(rec.openssl("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256", port=110, stls=True))


def dovecot_tls12_suites(rec):
    """Suites of TLS 1.2 of each kind, the last one after STLS."""
    small_talk(rec.connect())
    suites = (
        "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305", "AES128-CCM", "AES256-CCM8",
        "ECDHE-RSA-AES256-SHA384",
    )
    for suite in suites:
        context = rec.tls(ssl.TLSVersion.TLSv1_2, suite + ":@SECLEVEL=0")
        small_talk(rec.connect(port=995, tls=context))
    pop = rec.connect()
    pop.stls(rec.tls(ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES256-GCM-SHA384"), HOST)
    small_talk(pop)


def dovecot_tls_old(rec):
    """CBC from TLS 1.0 to 1.2, with the MAC before and behind the encryption."""
    small_talk(rec.connect())
    no_encrypt_then_mac = 0x80000
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2):
        for options in (0, no_encrypt_then_mac):
            context = rec.tls(version, "ECDHE-RSA-AES128-SHA:@SECLEVEL=0")
            context.options |= options
            small_talk(rec.connect(port=995, tls=context))


def dovecot_tls_resumed(rec):
    """Sessions that are taken up again: by ticket, by id, and in TLS 1.3."""
    small_talk(rec.connect())
    for version, options in (
        (ssl.TLSVersion.TLSv1_2, 0), (ssl.TLSVersion.TLSv1_2, ssl.OP_NO_TICKET), (ssl.TLSVersion.TLSv1_3, 0),
    ):
        context = rec.tls(version)
        context.options |= options
        pop = rec.connect(port=995, tls=context)
        pop.user_pass(*ALICE, small=True)
        session = pop.sock.session
        pop.quit(small=True)
        pop = rec.connect(port=995, tls=context, session=session)
        if not pop.sock.session_reused:
            raise SystemExit(f"{version} was not taken up again")
        small_talk(pop)


def dovecot_tls_updates(rec):
    """New keys in the middle, of one side and of both; then a HelloRetryRequest."""
    small_talk(rec.connect())
    pop = rec.openssl("-tls1_3")
    pop.user_pass(*ALICE, small=True)
    pop.update(both=False)
    pop.ask("stat")
    pop.update(both=True)
    pop.ask_data("list")
    pop.update(both=True)
    pop.retr(1, small=True)
    pop.quit(small=True)
    small_talk(rec.openssl("-tls1_3", "-groups", "P-521:P-256"))


def dovecot_tls_mpop(rec):
    """A client of GnuTLS, in TLS 1.3 on port 995 and in TLS 1.2 after STLS."""
    for port, starttls, priorities, how in ((995, "off", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "implicit"), (110, "on", "NORMAL:-VERS-ALL:+VERS-TLS1.2", "stls")):
        settings = pathlib.Path("/root/.mpoprc")
        settings.write_text(
            f"account default\nhost {HOST}\nport {port}\nuser {ALICE[0]}\npassword {ALICE[1]}\n"
            f"auth plain\ntls on\ntls_starttls {starttls}\ntls_trust_file {CERTIFICATE}\ntls_priorities {priorities}\n"
            "keep on\nonly_new off\npipelining on\nuidls_file /root/uidls\ndelivery maildir /root/Mpop\n"
        )
        settings.chmod(0o600)
        for folder in ("new", "cur", "tmp"):
            pathlib.Path("/root/Mpop", folder).mkdir(parents=True, exist_ok=True)
        rec.run("mpop", "mpop", SSLKEYLOGFILE=rec.keylog)
        rec.note("PLAIN", [1, 2, 3, 4], tls=how)


# Commands


def dovecot_pipelining(rec):
    """Everything after the login in one write, QUIT included (RFC 2449 section 6.6)."""
    pop = rec.connect()
    pop.ask_data("CAPA")
    pop.user_pass(*ALICE)
    numbers = range(1, 13)
    pop.send("STAT", "LIST", "UIDL", *(f"RETR {n}" for n in numbers), "DELE 12", "QUIT")
    pop.expect_ok()
    for _ in ("LIST", "UIDL"):
        pop.expect_ok()
        pop.data()
    for number in numbers:
        pop.retr_reply(number)
    pop.expect_ok()
    pop.truth["deleted"] = 1
    pop.expect_ok()
    pop.quit_done()


def dovecot_top_uidl(rec):
    pop = rec.connect()
    pop.user_pass(*ALICE)
    pop.ask_data("UIDL")
    pop.ask("UIDL 2")
    pop.ask("LIST 2")
    pop.top(1, 0)
    pop.top(1, 4)
    pop.top(2, 3)
    pop.retr(2)
    pop.quit()


def dovecot_dele_quit(rec):
    pop = rec.connect()
    pop.user_pass(*ALICE)
    pop.retr(1)
    pop.dele(1)
    pop.dele(3)
    try:
        pop.ask("RETR 1")
        raise SystemExit("the server gave out a deleted message")
    except Exception as refusal:
        if not str(refusal).startswith("-ERR"):
            raise
    pop.quit()


def dovecot_dele_noquit(rec):
    """Deleted, but the client closes without QUIT: nothing is lost."""
    pop = rec.connect()
    pop.user_pass(*ALICE)
    pop.retr(1)
    pop.dele(1)
    pop.close()


def dovecot_dele_reset(rec):
    """As dovecot-dele-noquit, but the connection is broken off."""
    pop = rec.connect()
    pop.user_pass(*ALICE)
    pop.retr(1)
    pop.dele(1)
    pop.reset()


def dovecot_rset(rec):
    pop = rec.connect()
    pop.user_pass(*ALICE)
    pop.dele(1)
    pop.dele(2)
    pop.rset()
    pop.ask("STAT")
    pop.dele(4)
    pop.quit()


def dovecot_interleaved(rec):
    """Three connections at once, their commands taking turns."""
    pops = [rec.connect() for _ in range(3)]
    pops[0].user_pass(*ALICE)
    pops[1].auth_plain("alice", "jabberwock")
    pops[2].user_pass(*BOB)
    pops[0].retr(1)
    pops[2].ask("STAT")
    pops[1].quit()
    pops[0].retr(2)
    pops[2].quit()
    pops[0].quit()


def dovecot_attachments(rec):
    pop = rec.connect()
    pop.user_pass(*ALICE)
    for number in (1, 2, 3, 4):
        pop.retr(number)
    pop.quit()


def dovecot_big_mail(rec):
    pop = rec.connect()
    pop.user_pass(*ALICE)
    pop.retr(1)
    pop.quit()


# Clients and networks


def dovecot_curl(rec):
    """curl takes the strongest login that both sides know."""
    rec.curl(f"pop3://{HOST}/1", f"pop3://{HOST}/2")
    rec.note("CRAM-MD5", [1, 2])


def dovecot_curl_apop(rec):
    rec.curl("--login-options", "AUTH=+APOP", f"pop3://{HOST}/1")
    rec.note("APOP", [1])


def dovecot_fetchmail(rec):
    """fetchmail fetches all and deletes all."""
    settings = pathlib.Path("/root/.fetchmailrc")
    settings.write_text(
        f"poll {HOST} protocol pop3 auth password no dns\n"
        f'  user "{ALICE[0]}" password "{ALICE[1]}" is root here\n'
        '  sslproto "" fetchall no keep mda "cat >/dev/null"\n'
    )
    settings.chmod(0o600)
    rec.run("fetchmail", "fetchmail", "--nosyslog", "--nodetach", "--idfile", "/root/fetchids")
    rec.note("USER/PASS", [1, 2, 3, 4], deleted=4)


def dovecot_mpop(rec):
    """mpop fetches all with pipelined commands and deletes all."""
    settings = pathlib.Path("/root/.mpoprc")
    settings.write_text(
        f"account default\nhost {HOST}\nport 110\nuser {ALICE[0]}\npassword {ALICE[1]}\n"
        "auth plain\ntls off\nkeep off\npipelining on\nuidls_file /root/uidls\n"
        "delivery maildir /root/Mpop\n"
    )
    settings.chmod(0o600)
    for folder in ("new", "cur", "tmp"):
        pathlib.Path("/root/Mpop", folder).mkdir(parents=True, exist_ok=True)
    rec.run("mpop", "mpop")
    rec.note("PLAIN", [1, 2, 3, 4], deleted=4)


def dovecot_poplib(rec, host=HOST):
    """Python's own client: one command at a time, and no CAPA."""
    pop = poplib.POP3(host)
    pop.user(ALICE[0])
    pop.pass_(ALICE[1])
    pop.stat()
    pop.list()
    pop.uidl()
    pop.retr(1)
    pop.retr(2)
    pop.quit()
    rec.client_software = f"poplib of Python {platform.python_version()}"
    rec.note("USER/PASS", [1, 2])


def dovecot_ipv6(rec):
    dovecot_poplib(rec, HOST6)


def dovecot_any(rec):
    dovecot_poplib(rec)


def dovecot_pcapng(rec):
    dovecot_poplib(rec)


def dovecot_nanoseconds(rec):
    dovecot_poplib(rec)


# Other servers. Each is asked the same, so that their words can be compared.


def tour(rec, hangs_up=False):
    """hangs_up: the server closes the connection after a failed login."""
    pop = rec.connect()
    try_data(pop, "CAPA")
    if not pop.user_pass(*ALICE):
        raise SystemExit("the login failed: " + pop.truth["logins"][-1]["reply"])
    pop.ask("STAT")
    pop.ask_data("LIST")
    pop.ask_data("UIDL")
    pop.top(2, 1)
    pop.retr(1)
    pop.retr(2)
    try_data(pop, "RETR 99")
    try_data(pop, "LANG")
    pop.dele(1)
    pop.quit()
    failed = rec.connect()
    failed.user_pass("alice", "mock-turtle")
    if hangs_up and not failed.file.read():
        failed.close()
    else:
        failed.quit()


def try_data(pop, command):
    """Ask for multi-line data; a server may also refuse."""
    pop.send(command)
    if pop.line().startswith(b"+OK"):
        pop.data()


def cyrus(rec):
    tour(rec)


def cyrus_ntlm(rec):
    rec.curl("--login-options", "AUTH=NTLM", f"pop3://{HOST}/1")
    rec.note("NTLM", [1])


def cyrus_digest_md5(rec):
    rec.curl("--login-options", "AUTH=DIGEST-MD5", f"pop3://{HOST}/1")
    rec.note("DIGEST-MD5", [1])


def courier(rec):
    tour(rec)


def popa3d(rec):
    tour(rec, hangs_up=True)


def popa3d_curl(rec):
    """curl falls back to USER and PASS when a server offers nothing else."""
    rec.curl(f"pop3://{HOST}/1", f"pop3://{HOST}/2")
    rec.note("USER/PASS", [1, 2])


def solid_pop3d(rec):
    tour(rec, hangs_up=True)


def mailutils(rec):
    tour(rec)


def main():
    case, mails, truth, keylog = sys.argv[1:]
    rec = Recording(pathlib.Path(mails), keylog)
    globals()[case.replace("-", "_")](rec)
    for session in rec.sessions:
        # The last login is the one that counts; it stands in front for readers
        # who want one answer.
        last = session["logins"][-1]
        for key in ("outcome", "mechanism", "user"):
            session[key] = last[key]
        for part in (session, *session["logins"]):
            for key in [key for key, value in part.items() if value is None]:
                del part[key]
    pathlib.Path(truth).write_text(
        json.dumps(
            {
                "server": os.environ["SERVER_SOFTWARE"],
                "client": rec.client_software,
                "sessions": [
                    {key: session[key] for key in sorted(session, key=ORDER.index)}
                    for session in rec.sessions
                ],
            },
            ensure_ascii=False,
            indent=2,
        )
        + "\n"
    )


ORDER = [
    "user", "mechanism", "outcome", "tls", "tls_version", "tls_cipher",
    "logins", "messages", "deleted", "committed",
]

if __name__ == "__main__":
    main()
