"""A POP3 client for recordings: it does what it is told and notes what it saw.

A Client is one connection. Each method is one exchange of the protocol, and
the truth about the session, as this end knows it, grows in Client.truth. The
client is written for honest servers: a reply it does not expect is an error,
and the recording is thrown away.
"""

import base64
import hashlib
import hmac
import secrets
import socket
import ssl
import struct
import subprocess
import time

CRLF = b"\r\n"


class Refused(Exception):
    """The server answered -ERR."""


class Client:
    def __init__(self, address, manifest, tls=None, session=None):
        """Connect to (host, port). A tls context means TLS from the first byte,
        session one of it that is to be taken up again."""
        self.manifest = {entry["number"]: entry for entry in manifest}
        self.truth = {
            "logins": [],
            "messages": [],
            "deleted": 0,
            "committed": False,
            "tls": "none",
        }
        self.sock = socket.create_connection(address, timeout=30)
        if tls:
            self._wrap(tls, address[0], "implicit", session)
        self.file = self.sock.makefile("rb")
        self.greeting = self.expect_ok()

    # Lines

    def send(self, *lines):
        """Send lines in one write, so that they leave in one segment."""
        self.sock.sendall(b"".join(line.encode() + CRLF for line in lines))

    def line(self):
        line = self.file.readline()
        if not line.endswith(CRLF):
            raise EOFError(f"the server closed the connection after {line!r}")
        return line[:-2]

    def expect_ok(self):
        line = self.line()
        if not line.startswith(b"+OK"):
            raise Refused(line.decode())
        return line.decode()

    def data(self):
        """Return the multi-line data of a reply, without its dots (RFC 1939 section 3)."""
        out = []
        while (line := self.line()) != b".":
            out.append(line[1:] if line.startswith(b".") else line)
        return b"".join(line + CRLF for line in out)

    def ask(self, command):
        self.send(command)
        return self.expect_ok()

    def ask_data(self, command):
        self.ask(command)
        return self.data()

    # Connection

    def stls(self, context, name):
        self.ask("STLS")
        self._wrap(context, name, "stls")
        self.file = self.sock.makefile("rb")

    def _wrap(self, context, name, how, session=None):
        self.sock = context.wrap_socket(self.sock, server_hostname=name, session=session)
        self.truth["tls"] = how
        self.truth["tls_version"] = self.sock.version()
        self.truth["tls_cipher"] = self.sock.cipher()[0]

    def quit(self, small=False):
        self.ask("quit" if small else "QUIT")
        self.quit_done()

    def quit_done(self):
        """Note that the +OK to QUIT has come, and close."""
        self.truth["committed"] = any(
            login["outcome"] == "success" for login in self.truth["logins"]
        )
        self.close()

    def close(self):
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock = self.sock.unwrap()
        self.file.close()
        self.sock.close()

    def reset(self):
        """Break the connection off: an RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    # Messages

    def retr(self, number, small=False):
        self.send(f"retr {number}" if small else f"RETR {number}")
        self.retr_reply(number)

    def retr_reply(self, number):
        self.expect_ok()
        self._got("RETR", number, self.data())

    def top(self, number, lines):
        got = self.ask_data(f"TOP {number} {lines}")
        self._got("TOP", number, got)

    def _got(self, command, number, data):
        put = self.manifest[number]
        message = {
            "number": number,
            "command": command,
            "octets": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        if command == "RETR":
            message["as_stored"] = message["sha256"] == put["sha256"]
            if "attachments" in put:
                message["attachments"] = put["attachments"]
        self.truth["messages"].append(message)

    def dele(self, number):
        self.ask(f"DELE {number}")
        self.truth["deleted"] += 1

    def rset(self):
        self.ask("RSET")
        self.truth["deleted"] = 0

    # Logins: each notes its outcome, and returns whether it was a success.

    def _login(self, mechanism, user, password, steps):
        login = {"mechanism": mechanism, "user": user, "password": password}
        try:
            steps()
            login["outcome"] = "success"
        except Refused as refusal:
            login["outcome"] = "failure"
            login["reply"] = str(refusal)
        self.truth["logins"].append(login)
        return login["outcome"] == "success"

    def user_pass(self, user, password, small=False):
        def steps():
            self.ask(f"user {user}" if small else f"USER {user}")
            self.ask(f"pass {password}" if small else f"PASS {password}")

        return self._login("USER/PASS", user, password, steps)

    def apop(self, user, password):
        challenge = self.greeting[self.greeting.index("<") :]
        digest = hashlib.md5((challenge + password).encode()).hexdigest()
        return self._login("APOP", user, password, lambda: self.ask(f"APOP {user} {digest}"))

    def auth(self, mechanism, user, password, answer, initial=None):
        """Run a SASL exchange (RFC 5034).

        answer gets each challenge and returns the next response; None cancels.
        initial is the response that is sent with the command.
        """

        def steps():
            command = f"AUTH {mechanism}"
            if initial is not None:
                command += " " + (encode(initial) or "=")
            self.send(command)
            while (line := self.line()).startswith(b"+ ") or line == b"+":
                response = answer(base64.b64decode(line[2:]))
                self.send("*" if response is None else encode(response))
            if not line.startswith(b"+OK"):
                raise Refused(line.decode())

        return self._login(mechanism, user, password, steps)

    def auth_plain(self, user, password, initial=True):
        message = f"\0{user}\0{password}".encode()
        return self.auth(
            "PLAIN", user, password, lambda _: message, message if initial else None
        )

    def auth_login(self, user, password):
        answers = iter([user.encode(), password.encode()])
        return self.auth("LOGIN", user, password, lambda _: next(answers))

    def auth_cram_md5(self, user, password):
        def answer(challenge):
            digest = hmac.new(password.encode(), challenge, "md5").hexdigest()
            return f"{user} {digest}".encode()

        return self.auth("CRAM-MD5", user, password, answer)

    def auth_scram(self, user, password, hash_name="sha256"):
        """SCRAM without channel binding (RFC 5802, RFC 7677)."""
        first_bare = f"n={user},r={secrets.token_urlsafe(18)}"
        turn = iter(range(2))
        proof = {}

        def answer(challenge):
            text = challenge.decode()
            if next(turn) == 1:
                expected = "v=" + base64.b64encode(proof["server"]).decode()
                if text != expected:
                    raise ValueError("the server's SCRAM signature is wrong")
                return b""
            fields = dict(field.split("=", 1) for field in text.split(","))
            salted = hashlib.pbkdf2_hmac(
                hash_name, password.encode(), base64.b64decode(fields["s"]), int(fields["i"])
            )
            without_proof = f"c={encode(b'n,,')},r={fields['r']}"
            transcript = f"{first_bare},{text},{without_proof}".encode()

            def mac(key, data):
                return hmac.new(key, data, hash_name).digest()

            client_key = mac(salted, b"Client Key")
            stored_key = hashlib.new(hash_name, client_key).digest()
            signature = mac(stored_key, transcript)
            proof["server"] = mac(mac(salted, b"Server Key"), transcript)
            client_proof = bytes(a ^ b for a, b in zip(client_key, signature))
            return f"{without_proof},p={encode(client_proof)}".encode()

        mechanism = {"sha1": "SCRAM-SHA-1", "sha256": "SCRAM-SHA-256"}[hash_name]
        return self.auth(mechanism, user, password, answer, ("n,," + first_bare).encode())


class OpenSSL(Client):
    """A Client whose TLS is that of the program 'openssl s_client'.

    It can do what Python's ssl cannot: choose among the suites of TLS 1.3, and
    change keys. It takes lines that begin with some capital letters for its
    own; this one writes commands in small letters.
    """

    def __init__(self, address, manifest, keylog, *arguments, stls=False):
        self.manifest = {entry["number"]: entry for entry in manifest}
        self.truth = {"logins": [], "messages": [], "deleted": 0, "committed": False}
        self.truth["tls"] = "stls" if stls else "implicit"
        command = ["openssl", "s_client", "-brief", "-connect", "%s:%d" % address, "-servername", address[0]]
        command += ["-keylogfile", keylog, *arguments]
        if stls:
            command += ["-starttls", "pop3"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self.file = open(self.process.stdout.fileno(), "rb", closefd=False)
        self.greeting = None if stls else self.expect_ok()

    def send(self, *lines):
        self.process.stdin.write(b"".join(line.encode() + CRLF for line in lines))

    def update(self, both):
        """Change the keys of this side, or of both (RFC 8446 section 4.6.3)."""
        self.process.stdin.write(b"K\n" if both else b"k\n")
        time.sleep(0.2)  # what is written at once is read at once

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


def encode(data):
    return base64.b64encode(data).decode()
