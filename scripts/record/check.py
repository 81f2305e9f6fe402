#!/usr/bin/env python3
"""Check captures against their truth files, with tshark for a second opinion.

    check.py DIR [CASE...]

Fails unless each capture opens, no packet is missing or came twice, and each
connection holds the messages that the truth file names, byte for byte.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

# Every packet must be there once and in order.
LOSS = " || ".join(
    "tcp.analysis." + problem
    for problem in (
        "lost_segment",
        "ack_lost_segment",
        "retransmission",
        "out_of_order",
        "duplicate_ack",
    )
)

HEX = re.compile("\t?([0-9a-f]{2})+")


def tshark(*arguments):
    done = subprocess.run(["tshark", "-n", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("tshark: " + done.stderr)
    return done.stdout


def sides(arguments, layer, stream):
    """Return what each side sent in a stream.

    tshark sets the lines of one side in by a tab; below TLS it is not always
    the same side.
    """
    out = tshark(*arguments, "-q", "-z", f"follow,{layer},raw,{stream}")
    lines = [line for line in out.splitlines() if HEX.fullmatch(line)]
    return [
        b"".join(bytes.fromhex(line) for line in lines if line.startswith("\t") == indented)
        for indented in (False, True)
    ]


def multi_line_data(data):
    """Return the hashes of all that could be the data of a multi-line reply.

    A mail may hold lines like '+OK', so every such line is tried as a beginning.
    """
    hashes = set()
    lines = data.split(b"\r\n")
    for start, line in enumerate(lines):
        if not line.startswith(b"+OK"):
            continue
        digest = hashlib.sha256()
        for line in lines[start + 1 :]:
            if line == b".":
                hashes.add(digest.hexdigest())
                break
            digest.update((line[1:] if line.startswith(b".") else line) + b"\r\n")
    return hashes


def check(folder, case):
    truth = json.loads((folder / f"{case}.truth.json").read_text())
    capture = next(path for path in folder.glob(case + ".*") if ".pcap" in path.name)
    keylog = folder / f"{case}.keylog"

    arguments = ["-r", str(capture)]
    if keylog.exists():
        arguments += ["-o", f"tls.keylog_file:{keylog}"]

    lost = tshark(*arguments, "-Y", LOSS)
    if lost:
        raise SystemExit(f"{case}: packets are missing or came twice:\n{lost}")

    streams = tshark(*arguments, "-Y", "tcp", "-T", "fields", "-e", "tcp.stream").split()
    count = len(set(streams))
    if count != len(truth["sessions"]):
        raise SystemExit(f"{case}: {count} connections, {len(truth['sessions'])} sessions")
    for stream, session in enumerate(truth["sessions"]):
        layer = "tcp" if session["tls"] == "none" else "tls"
        seen = set().union(*map(multi_line_data, sides(arguments, layer, stream)))
        for message in session["messages"]:
            if message["sha256"] not in seen:
                raise SystemExit(
                    f"{case}: connection {stream} lacks {message['command']} {message['number']}"
                )


def main():
    folder = pathlib.Path(sys.argv[1])
    names = (path.name.removesuffix(".truth.json") for path in folder.glob("*.truth.json"))
    for case in sys.argv[2:] or sorted(names):
        check(folder, case)


if __name__ == "__main__":
    main()
