#!/usr/bin/env python3
"""Make the mails that the recordings carry.

    mails.py DIR

writes one folder for each set of mails. A set holds 1.eml, 2.eml, ... with
CRLF line ends, which is how POP3 carries them, and manifest.json, which says
what a client must get: octets, SHA-256, and the attachments inside.

Every byte is fixed, so that two recordings carry the same mails. The parts are
put together by hand and not by the email package, because several of them are
written in ways which that package would never choose.
"""

import base64
import hashlib
import json
import pathlib
import quopri
import struct
import sys
import textwrap
import zlib

CRLF = b"\r\n"


def header(number, subject, sender="Bob Baker <bob@example.org>"):
    """Return the header fields that every mail has."""
    return [
        "Return-Path: <bob@example.org>",
        f"From: {sender}",
        "To: Alice Liddell <alice@example.org>",
        f"Subject: {subject}",
        f"Date: Mon, 15 Jan 2024 09:{number:02}:00 +0000",
        f"Message-ID: <2024-{number:04}@mail.example.org>",
        "MIME-Version: 1.0",
    ]


def mail(fields, body):
    """Join header fields and a body that has LF or CRLF line ends."""
    text = CRLF.join(field.encode() for field in fields)
    return text + CRLF + CRLF + crlf(body)


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def part(fields, body):
    return CRLF.join(field.encode() for field in fields) + CRLF + CRLF + crlf(body)


def multipart(boundary, parts):
    """Join parts; the text before the first is for readers without MIME."""
    marker = b"--" + boundary.encode()
    out = b"This is a message in MIME format." + CRLF + CRLF
    for each in parts:
        out += marker + CRLF + each.rstrip(b"\r\n") + CRLF
    return out + marker + b"--" + CRLF


def b64(data):
    return CRLF.join(
        textwrap.fill(base64.b64encode(data).decode(), 76).encode().splitlines()
    ) + CRLF


def attachment(name, content_type, data):
    return {
        "name": name,
        "content_type": content_type,
        "octets": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def png(width, height, rgb):
    """Return a picture of one colour: an attachment which viewers can open."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = (b"\0" + bytes(rgb) * width) * height
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows, 0))  # stored: the same bytes with every zlib
        + chunk(b"IEND", b"")
    )


def small():
    """Four short mails. The first has every kind of line that begins with a dot."""
    dots = b"""Dear Alice,

.bashrc is a file, and so is
..profile, which begins with two dots here.
The next line is a dot alone, which must not end the mail:
.
...
That was all.

Bob
"""
    quoted = quopri.encodestring(
        "Grüße aus Köln, 12 °C und Regen. Das Café „Zur Brücke“ hat geöffnet.\n".encode()
    )
    html = b"<p>Gr&uuml;&szlig;e aus <b>K&ouml;ln</b></p>\n"
    alternative = multipart(
        "=_alternative",
        [
            part(
                [
                    "Content-Type: text/plain; charset=utf-8",
                    "Content-Transfer-Encoding: quoted-printable",
                ],
                quoted,
            ),
            part(["Content-Type: text/html; charset=us-ascii"], html),
        ],
    )
    eight_bit = "Žluťoučký kůň pěl ďábelské ódy.\nПривет, Алиса!\n".encode()
    return [
        (mail(header(1, "Lines that begin with a dot"), dots), []),
        (
            mail(
                header(2, "=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=")
                + ['Content-Type: multipart/alternative; boundary="=_alternative"'],
                alternative,
            ),
            [],
        ),
        (
            mail(
                header(3, "Eight bits")
                + [
                    "Content-Type: text/plain; charset=utf-8",
                    "Content-Transfer-Encoding: 8bit",
                ],
                eight_bit,
            ),
            [],
        ),
        (mail(header(4, "No body at all"), b""), []),
    ]


def attachments():
    """Mails with named attachments, each with another charset and way of naming."""
    picture = png(16, 16, (0x33, 0x66, 0x99))
    table = "Stadt;Einwohner\nKöln;1 087 353\nTōkyō;14 094 034\n".encode()
    notes = "お知らせ: 会議は三時からです。\n".encode("iso2022_jp")
    report = "Отчёт за январь\nВсего: 42\n".encode("koi8_r")
    archive = bytes((7 * i + i // 256) % 256 for i in range(4000))

    utf8 = (
        mail(
            header(1, "=?UTF-8?B?" + base64.b64encode("Städte und Bilder".encode()).decode() + "?=")
            + ['Content-Type: multipart/mixed; boundary="=_utf-8"'],
            multipart(
                "=_utf-8",
                [
                    part(
                        [
                            "Content-Type: text/plain; charset=UTF-8",
                            "Content-Transfer-Encoding: base64",
                        ],
                        b64("Anbei die Städte und ein Bild. 🌉\n".encode()),
                    ),
                    # RFC 2231: charset and percent encoding in the parameter.
                    part(
                        [
                            "Content-Type: text/csv; charset=UTF-8",
                            "Content-Transfer-Encoding: base64",
                            "Content-Disposition: attachment; filename*=UTF-8''St%C3%A4dte.csv",
                        ],
                        b64(table),
                    ),
                    part(
                        [
                            'Content-Type: image/png; name="blue square.png"',
                            "Content-Transfer-Encoding: base64",
                            'Content-Disposition: attachment; filename="blue square.png"',
                        ],
                        b64(picture),
                    ),
                ],
            ),
        ),
        [
            attachment("Städte.csv", "text/csv", table),
            attachment("blue square.png", "image/png", picture),
        ],
    )

    # RFC 2047 forbids an encoded word inside a parameter; mail programs write it
    # all the same, and readers are expected to understand it.
    japanese_name = base64.b64encode("議事録.txt".encode("iso2022_jp")).decode()
    japanese = (
        mail(
            header(2, "=?ISO-2022-JP?B?" + base64.b64encode("会議のお知らせ".encode("iso2022_jp")).decode() + "?=")
            + ['Content-Type: multipart/mixed; boundary="=_iso-2022-jp"'],
            multipart(
                "=_iso-2022-jp",
                [
                    part(
                        [
                            "Content-Type: text/plain; charset=ISO-2022-JP",
                            "Content-Transfer-Encoding: 7bit",
                        ],
                        "アリス様\n\n会議は三時からです。\n".encode("iso2022_jp"),
                    ),
                    part(
                        [
                            "Content-Type: text/plain; charset=ISO-2022-JP;"
                            f' name="=?ISO-2022-JP?B?{japanese_name}?="',
                            "Content-Transfer-Encoding: base64",
                            "Content-Disposition: attachment;"
                            f'\r\n filename="=?ISO-2022-JP?B?{japanese_name}?="',
                        ],
                        b64(notes),
                    ),
                ],
            ),
        ),
        [attachment("議事録.txt", "text/plain", notes)],
    )

    russian = (
        mail(
            header(3, "=?koi8-r?B?" + base64.b64encode("Отчёт".encode("koi8_r")).decode() + "?=")
            + ['Content-Type: multipart/mixed; boundary="=_koi8-r"'],
            multipart(
                "=_koi8-r",
                [
                    part(
                        [
                            "Content-Type: text/plain; charset=koi8-r",
                            "Content-Transfer-Encoding: 8bit",
                        ],
                        "Здравствуйте, Алиса!\nОтчёт во вложении.\n".encode("koi8_r"),
                    ),
                    # RFC 2231 continuations: one name in three pieces.
                    part(
                        [
                            "Content-Type: text/plain; charset=koi8-r",
                            "Content-Transfer-Encoding: base64",
                            "Content-Disposition: attachment;"
                            "\r\n filename*0*=koi8-r'ru'%EF%D4%DE%A3%D4;"
                            "\r\n filename*1*=%20%DA%C1%20;"
                            '\r\n filename*2="2024.txt"',
                        ],
                        b64(report),
                    ),
                ],
            ),
        ),
        [attachment("Отчёт за 2024.txt", "text/plain", report)],
    )

    forwarded = small()[0][0]
    chinese = (
        mail(
            header(4, "=?GBK?B?" + base64.b64encode("转发：你好".encode("gbk")).decode() + "?=")
            + ['Content-Type: multipart/mixed; boundary="=_gbk"'],
            multipart(
                "=_gbk",
                [
                    part(
                        [
                            "Content-Type: text/plain; charset=GBK",
                            "Content-Transfer-Encoding: base64",
                        ],
                        b64("爱丽丝，你好！\n".encode("gbk")),
                    ),
                    part(
                        [
                            "Content-Type: application/octet-stream",
                            "Content-Transfer-Encoding: base64",
                            'Content-Disposition: attachment; filename="archive.bin"',
                        ],
                        b64(archive),
                    ),
                    part(
                        ["Content-Type: message/rfc822", "Content-Disposition: inline"],
                        forwarded,
                    ),
                ],
            ),
        ),
        [attachment("archive.bin", "application/octet-stream", archive)],
    )
    return [utf8, japanese, russian, chinese]


def many():
    """Twelve tiny mails: enough replies to fill more than one segment."""
    return [
        (mail(header(n, f"Note {n} of 12"), f"This is note {n}.\n".encode()), [])
        for n in range(1, 13)
    ]


def big():
    """One mail of 3 MB. Its lines are numbered, so a lost piece cannot go unseen."""
    lines = (f"{n:06} All in the golden afternoon full leisurely we glide." for n in range(51000))
    return [(mail(header(1, "Three megabytes"), "\n".join(lines).encode() + b"\n"), [])]


def write(folder, mails):
    folder.mkdir(parents=True)
    manifest = []
    for number, (data, names) in enumerate(mails, 1):
        (folder / f"{number}.eml").write_bytes(data)
        entry = {
            "number": number,
            "octets": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        if names:
            entry["attachments"] = names
        manifest.append(entry)
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1))


def main():
    target = pathlib.Path(sys.argv[1])
    for make in (small, attachments, many, big):
        write(target / make.__name__, make())


if __name__ == "__main__":
    main()
