#!/usr/bin/env python3
"""Measure popscope extract on a capture of one large mail, and check the file.

    measure_extract.py POPSCOPE CAPTURE DIR

CAPTURE.truth.json is what bigcapture wrote; DIR is where to, and must not be
there. Prints wall time, speed and the peak of resident memory for each form of
output. The exit status is 1 if a peak reaches LIMIT, or if the .eml is not the
mail that was put into the capture.
"""

import hashlib
import json
import os
import pathlib
import shutil
import sys

from measure import MB, measured

LIMIT = 150  # MB of resident memory


def main(popscope, capture, folder):
    with open(capture + ".truth.json") as file:
        truth = json.load(file)
    size = os.path.getsize(capture) / MB
    print(f"capture: {size:,.0f} MB, {truth['packets']:,} packets, a mail of {truth['message_octets']:,} octets")
    problems = []
    for form in ("eml", "mbox", "maildir"):
        command = [popscope, "extract", "-o", folder, "--attachments", "--as", form, capture]
        with open(os.devnull, "w") as nowhere:
            peak, seconds = measured(command, stdout=nowhere)
        print(f"{form}: peak {peak:.1f} MB, {seconds:.2f} s, {size / seconds:,.0f} MB/s")
        if peak >= LIMIT:
            problems.append(f"{form}: a peak of {peak:.1f} MB: {LIMIT} MB or more")
        if form == "eml":
            problems += wrong(folder, truth)
        shutil.rmtree(folder)
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


def wrong(folder, truth):
    """Compare the file with what was put into the capture."""
    files = list(pathlib.Path(folder).glob("*.eml"))
    if len(files) != 1:
        return [f"{len(files)} files"]
    with open(files[0], "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if files[0].stat().st_size != truth["message_octets"] or digest != truth["message_hash"]:
        return ["the file is not the mail"]
    print("contents: the file is the mail, byte for byte")
    return []


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
