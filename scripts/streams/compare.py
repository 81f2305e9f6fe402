#!/usr/bin/env python3
"""Compare the TCP streams of captures with those that tshark makes of them.

    compare.py STREAMS FILE...

STREAMS is the compiled program of this folder. For each capture it prints what
was compared and whether all of it is the same, and at the end the total. The
exit status is 1 if a capture differs, or cannot be read by either side.

Connections are told apart by their two ends, and by their order if those were
used again. Each end's bytes are compared, and how many of them are lost. Which
end is called the client does not matter: without a SYN that is a guess.
Connections without a byte are left out, because STREAMS leaves them out.

tshark writes a line in the place of lost bytes, "[12 bytes missing in capture
file]" and a NUL. It cannot be told from a segment that holds just this text.
Where bytes are lost, the two may rightly differ: tshark does not know of a loss
at the end of a stream, and gives up a hole as soon as it was acknowledged, even
if a packet that is merely late fills it. The captures of this repository lack
no packet, so there is no such difference, and none is forgiven.
"""

import collections
import hashlib
import os
import re
import subprocess
import sys
import tempfile

# What one end of a connection sent.
Sent = collections.namedtuple("Sent", "bytes sha256 lost")

BATCH = 200  # streams for one run of tshark, which takes an argument for each
HEX = re.compile("(\t?)((?:[0-9a-f]{2})+)")
MISSING = re.compile(rb"\[(\d+) bytes missing in capture file\]\.?\0?")


class Failed(Exception):
    """A program could not read the capture."""


def main(streams, *files):
    totals = [0, 0]
    different = 0
    with tempfile.TemporaryDirectory() as settings:
        # The preferences of the user change what tshark does.
        os.environ["WIRESHARK_CONFIG_DIR"] = settings
        for file in files:
            name = os.path.basename(file)
            try:
                counts, problems = compare(streams, file)
            except Failed as error:
                counts, problems = (0, 0), [str(error)]
            totals = [a + b for a, b in zip(totals, counts)]
            different += bool(problems)
            print(f"{name}: {words(counts)}, {'DIFFERENT' if problems else 'same'}")
            for problem in problems:
                print(f"  {problem}")
    verdict = f"{different} DIFFERENT" if different else "all the same"
    print(f"total: {count(len(files), 'capture')}, {words(totals)}, {verdict}")
    return 1 if different else 0


def compare(streams, file):
    """Return how many connections and bytes we see, and what is not the same."""
    ours = keyed(our_connections(streams, file))
    theirs = keyed(tshark_connections(file))
    problems = []
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in theirs:
            problems.append(f"{title(key)}: tshark has no such connection")
        elif key not in ours:
            problems.append(f"{title(key)}: we have no such connection")
        else:
            problems += differences(key, ours[key], theirs[key])
    total = sum(sent.bytes for sides in ours.values() for sent in sides.values())
    return (len(ours), total), problems


def keyed(connections):
    """Give each connection a key: its ends, and how often they were used before."""
    used = collections.Counter()
    out = {}
    for sides in connections:
        if not any(sent.bytes or sent.lost for sent in sides.values()):
            continue
        ends = tuple(sorted(sides))
        out[ends, used[ends]] = sides
        used[ends] += 1
    return out


def title(key):
    ends, before = key
    return " - ".join(ends) + (f" (use {before + 1})" if before else "")


def differences(key, ours, theirs):
    return [
        f"{title(key)}: sent by {end}: we have {told(ours[end])}, tshark has {told(theirs[end])}"
        for end in sorted(ours)
        if ours[end] != theirs[end]
    ]


def told(sent):
    return f"{sent.bytes:,} bytes ({sent.sha256[:12]}), {sent.lost:,} lost"


def our_connections(streams, file):
    """Return what each end sent, for each connection in the order of its first packet."""
    connections = []
    for line in output(streams, file).splitlines():
        client, server, *numbers = line.split()
        sent = [
            Sent(int(length), sha256, int(lost))
            for length, sha256, lost in (numbers[:3], numbers[3:])
        ]
        connections.append({client: sent[0], server: sent[1]})
    return connections


def tshark_connections(file):
    """Return the same as our_connections, as tshark sees it."""
    listed = output("tshark", "-n", "-r", file, "-Y", "tcp", "-T", "fields", "-e", "tcp.stream")
    # A packet may have two numbers, that of a tunnel and that inside it.
    numbers = sorted({int(n) for line in listed.splitlines() for n in line.split(",") if n})
    connections = {}
    for start in range(0, len(numbers), BATCH):
        taps = []
        for number in numbers[start : start + BATCH]:
            taps += ["-z", f"follow,tcp,raw,{number}"]
        connections |= followed(output("tshark", "-n", "-q", "-r", file, *taps))
    return [connections[number] for number in sorted(connections)]


def followed(text):
    """Return what each end sent, by the number of the stream.

    tshark's text of a stream is a filter with its number, the two ends, and a
    line for each segment or part of one. The lines of node 1 are set in by a tab.
    """
    connections = {}
    for block in re.split(r"^=+$", text, flags=re.MULTILINE):
        number = re.search(r"^Filter: tcp\.stream eq (\d+)$", block, re.MULTILINE)
        ends = re.findall(r"^Node [01]: (\S+)$", block, re.MULTILINE)
        if not number or len(ends) != 2:
            continue
        lines = [HEX.fullmatch(line) for line in block.splitlines()]
        connections[int(number[1])] = {
            end: side([bytes.fromhex(m[2]) for m in lines if m and m[1] == tab])
            for end, tab in zip(ends, ("", "\t"))
        }
    return connections


def side(pieces):
    """Sum up what one end sent."""
    digest, length, lost = hashlib.sha256(), 0, 0
    for piece in pieces:
        if missing := MISSING.fullmatch(piece):
            lost += int(missing[1])
            continue
        digest.update(piece)
        length += len(piece)
    return Sent(length, digest.hexdigest(), lost)


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        # The lines before the last one are about the user and the settings.
        raise Failed((done.stderr.splitlines() or [f"{command[0]} failed"])[-1])
    return done.stdout


def words(counts):
    return f"{count(counts[0], 'connection')}, {count(counts[1], 'byte')}"


def count(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
