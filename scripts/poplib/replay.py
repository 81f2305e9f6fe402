#!/usr/bin/env python3
"""Have Python's poplib and email read recorded POP3 sessions.

For each line of standard input, {"client": base64, "server": base64}, the
bytes of the two directions of a session, a client of poplib says over a real
connection what the recorded one said, to a server that sends the recorded
bytes. A line of standard output tells which messages it got:

    {"messages": [{"verb": "RETR", "octets": 12, "sha256": "...", "lf": false,
                   "subject": ..., "message_id": ..., "attachments": [...]}]}

"lf" says that poplib cannot tell whether lines ended in CRLF: it takes line
ends off, so a message with a bare LF comes out with CRLF there.

Which reply is multi-line is poplib's: RETR, TOP and CAPA, and LIST, UIDL and
AUTH without argument.
"""

import base64
import email
import email.policy
import hashlib
import json
import poplib
import socket
import sys
import threading

# Lines of mail may be longer than poplib thinks; the recorded server is not
# going to use up the memory.
poplib._MAXLINE = 1 << 24


def main():
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(replay(base64.b64decode(job["client"]), base64.b64decode(job["server"]))), flush=True)


def replay(said, answers):
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener, answers), daemon=True).start()
    messages = []
    try:
        pop = poplib.POP3("127.0.0.1", listener.getsockname()[1], timeout=20)
    except (poplib.error_proto, EOFError):
        return {"messages": messages}
    in_auth = False
    for raw in said.split(b"\r\n")[:-1]:
        try:
            pop._putline(raw)
            if in_auth:
                in_auth = challenged(pop)
                continue
            verb, _, args = raw.partition(b" ")
            verb = verb.upper().decode("latin-1")
            if verb in ("RETR", "TOP", "CAPA") or verb in ("LIST", "UIDL", "AUTH") and not args.strip():
                _, lines, _ = pop._getlongresp()
                if verb in ("RETR", "TOP"):
                    messages.append(describe(verb, lines))
            elif verb == "AUTH":
                in_auth = challenged(pop)
            else:
                pop._getresp()
        except poplib.error_proto as error:
            if str(error).startswith(("-ERR", "b'-ERR")):
                in_auth = False
                continue
            break  # the recording ends
        except (EOFError, OSError):
            break
    pop.close()
    return {"messages": messages}


def serve(listener, answers):
    connection, _ = listener.accept()
    with listener, connection:
        # Whoever closes while bytes are unread resets the connection.
        reader = threading.Thread(target=drain, args=(connection,), daemon=True)
        reader.start()
        try:
            connection.sendall(answers)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        reader.join()


def drain(connection):
    try:
        while connection.recv(1 << 16):
            pass
    except OSError:
        pass


def challenged(pop):
    """Read a line of the server; whether it goes on with the dialogue."""
    line, _ = pop._getline()
    return line.startswith(b"+") and not line.startswith(b"+OK")


def describe(verb, lines):
    content = b"".join(line + b"\r\n" for line in lines)
    mail = email.message_from_bytes(content, policy=email.policy.default)
    attachments = []
    for part in mail.walk():
        name = part.get_filename()
        if name is not None and not part.is_multipart():
            data = part.get_payload(decode=True)
            attachments.append({"name": name, "octets": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    return {
        "verb": verb, "octets": len(content), "sha256": hashlib.sha256(content).hexdigest(),
        "subject": text(mail["subject"]), "message_id": text(mail["message-id"]), "attachments": attachments,
    }


def text(value):
    return "" if value is None else str(value)


main()
