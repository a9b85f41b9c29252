"""Reads iCalendar files by a parser that is not ours: standard input is a JSON list of them, each answer a line of JSON."""

import json
import sys

from icalendar import Calendar


def party(value):
    # The case of a scheme says nothing (RFC 3986, section 3.1).
    scheme, address = str(value).split(":", 1)
    return [str(value.params.get("CN", "")), f"{scheme.lower()}:{address}"]


for text in json.load(sys.stdin):
    calendar = Calendar.from_ical(text.encode())
    [event] = calendar.walk("VEVENT")
    found = {
        "method": str(calendar["METHOD"]),
        "uid": str(event["UID"]),
        "startsAt": int(event.decoded("DTSTART").timestamp()),
        "stampedAt": int(event.decoded("DTSTAMP").timestamp()),
        "minutes": (event.decoded("DTEND") - event.decoded("DTSTART")).total_seconds() / 60,
        "sequence": int(event["SEQUENCE"]),
        "status": str(event["STATUS"]),
        "summary": str(event["SUMMARY"]),
        "description": str(event["DESCRIPTION"]),
        "organizer": party(event["ORGANIZER"]),
        "attendee": party(event["ATTENDEE"]),
    }
    print(json.dumps(found))
