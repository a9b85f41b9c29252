"""Reads mails by a parser that is not ours: standard input is a JSON list of them in base64, each answer a line of JSON."""

import base64
import json
import sys
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr


def mailboxes(mail, plain, name):
    header = mail[name]
    if header is None:
        return []
    [one] = header.addresses
    # Before Python 3.13 the newer parser keeps the space between two encoded words of a name (RFC 2047, section 6.2); the older one does not.
    by_older = str(make_header(decode_header(parseaddr(plain[name])[0])))
    return [[by_older if plain[name].count("=?UTF-8?") > 1 else one.display_name, one.addr_spec]]


def text_of(part):
    return part.get_payload(decode=True).decode(part.get_content_charset())


def file_of(part):
    return {
        # get_filename() would take spaces away from its ends.
        "filename": part["Content-Disposition"].params["filename"],
        "type": part.get_content_type(),
        "charset": part.get_content_charset(),
        "content": base64.b64encode(part.get_payload(decode=True)).decode(),
    }


def body_of(mail):
    """The alternatives of a mail, each with its type."""
    parts = [mail]
    if mail.get_content_type() == "multipart/mixed":
        parts = list(mail.iter_parts())[:1]
    if parts[0].get_content_type() == "multipart/alternative":
        parts = list(parts[0].iter_parts())
    return [[part.get_content_type(), text_of(part)] for part in parts]


def defects_of(mail):
    found = [str(defect) for part in mail.walk() for defect in part.defects]
    return found + [
        f"{name}: {defect}" for part in mail.walk() for name in part for defect in part[name].defects
    ]


for raw in json.load(sys.stdin):
    mail = message_from_bytes(base64.b64decode(raw), policy=policy.default)
    plain = message_from_bytes(base64.b64decode(raw))
    found = {
        "subject": None if mail["Subject"] is None else str(mail["Subject"]),
        "from": mailboxes(mail, plain, "From"),
        "reply_to": mailboxes(mail, plain, "Reply-To"),
        "to": mailboxes(mail, plain, "To"),
        "message_id": str(mail["Message-ID"]),
        "body": body_of(mail),
        "files": [file_of(part) for part in mail.iter_attachments()] if mail.is_multipart() else [],
        "defects": defects_of(mail),
    }
    print(json.dumps(found))
