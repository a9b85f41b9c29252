"""Reads iCalendar files by a parser that is not ours: standard input is a JSON list of them, each answer a line of JSON."""

import json
import sys

from icalendar import Calendar


def party(value):
    return [str(value.params.get("CN", "")), str(value)]


for text in json.load(sys.stdin):
    calendar = Calendar.from_ical(text.encode())
    [event] = calendar.walk("VEVENT")
    found = {
        "method": str(calendar["METHOD"]),
        "uid": str(event["UID"]),
        "startsAt": int(event.decoded("DTSTART").timestamp()),
        "stampedAt": int(event.decoded("DTSTAMP").timestamp()),
        "minutes": event.decoded("DURATION").total_seconds() / 60,
        "summary": str(event["SUMMARY"]),
        "description": str(event["DESCRIPTION"]),
        "organizer": party(event["ORGANIZER"]),
        "attendee": party(event["ATTENDEE"]),
    }
    print(json.dumps(found))
