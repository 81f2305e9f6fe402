#!/usr/bin/env python3
"""Measure popscope on a capture whose truth is known, and check what it finds.

    measure.py POPSCOPE CAPTURE

CAPTURE.truth.json is what bigcapture wrote. Prints the wall time, the speed and
the peak of resident memory of each run. The exit status is 1 if a peak reaches
LIMIT, or if a run finds anything but the truth.
"""

import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import time

LIMIT = 200  # MB of resident memory
MB = 1_000_000

# ru_maxrss is in KiB, but in bytes on macOS.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def main(popscope, capture):
    with open(capture + ".truth.json") as file:
        truth = json.load(file)
    size = os.path.getsize(capture) / MB
    wanted = tuple(truth[name] for name in ("sessions", "logins", "messages"))
    print(f"capture: {size:,.0f} MB, {truth['packets']:,} packets, {counted(wanted)}")
    problems = []
    for name, run in (("jsonl", jsonl), ("table", table)):
        found, peak, seconds = run(popscope, capture)
        speed = size / seconds
        print(f"{name}: peak {peak:.1f} MB, {seconds:.2f} s, {speed:,.0f} MB/s, {counted(found)}")
        if peak >= LIMIT:
            problems.append(f"{name}: a peak of {peak:.1f} MB: {LIMIT} MB or more")
        if found != wanted:
            problems.append(f"{name}: {counted(found)}, but the truth is {counted(wanted)}")
    problems += contents(popscope, capture, truth)
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


def counted(numbers):
    sessions, logins, messages = numbers
    return f"{sessions:,} sessions, {logins:,} logins, {messages:,} messages"


def jsonl(popscope, capture):
    """Write all records to nowhere; the counts are told on standard error."""
    command = [popscope, "analyze", "-v", "--format", "jsonl", "-o", os.devnull, capture]
    with tempfile.TemporaryFile("w+") as talk:
        peak, seconds = measured(command, stderr=talk)
        found = re.search(r"sessions: (\d+), logins: (\d+), messages: (\d+)", read(talk))
    return counts(found), peak, seconds


def table(popscope, capture):
    """Write the table to a file, since the counts are at its end."""
    with tempfile.TemporaryFile("w+") as text:
        peak, seconds = measured([popscope, "analyze", capture], stdout=text)
        number = r"([\d,]+)"
        found = re.search(
            rf"^{number} sessions?, {number} logins?, {number} messages?\b", read(text), re.MULTILINE
        )
    return counts(found), peak, seconds


def read(file):
    file.seek(0)
    return file.read()


def counts(found):
    if not found:
        sys.exit("FAILED: popscope does not tell its counts in the way it used to")
    return tuple(int(number.replace(",", "")) for number in found.groups())


def measured(command, **files):
    """Run command; return the peak of its resident memory in MB, and seconds.

    What this program takes up itself, about 15 MB, is the least that can be seen.
    """
    begin = time.monotonic()
    process = subprocess.Popen(command, **files)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"FAILED: exit status {process.returncode}: {' '.join(command)}")
    return usage.ru_maxrss * RSS_UNIT / MB, seconds


def contents(popscope, capture, truth):
    """Compare every message, by hash, and how it is said to have ended."""
    octets, together, verdicts = 0, 0, collections.Counter()
    command = [popscope, "analyze", "--format", "jsonl", "--records", "message", capture]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            record = json.loads(line)
            if record["type"] == "message":
                octets += record["octets"]
                together ^= int(record["sha256"], 16)
                verdicts[record["verdict"]] += 1
    found = {
        "exit status": process.returncode,
        "message octets": octets,
        "message hash": f"{together:064x}",
        "verdicts": dict(verdicts),
    }
    wanted = {
        "exit status": 0,
        "message octets": truth["message_octets"],
        "message hash": truth["message_hash"],
        "verdicts": {"complete": truth["messages"]} if truth["messages"] else {},
    }
    problems = [
        f"{name}: {found[name]}, but the truth is {wanted[name]}"
        for name in wanted
        if found[name] != wanted[name]
    ]
    if not problems:
        print(f"contents: {octets:,} octets in messages, all of them right")
    return problems


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
