"""Shows the requests that Tidings has parked, each a line of JSON with the reason. Whoever runs it must be allowed to read that queue.

    pip install pika
    export AMQP_URL=amqps://admin:password@rabbitmq.example.org:5671
    python amqp_parked.py                       # looks, and leaves all where they are
    python amqp_parked.py --take order-7 > one  # takes that one out, in the form that amqp_requests.py reads

What is taken is printed before it leaves the queue. Correct it, and hand it over as its sender: python amqp_requests.py < one
"""

import argparse
import json
import os

import pika

PARKING = "tidings.v1.parking"
REQUESTS = "tidings.v1.requests"


def source_of(headers):
    """The queue that it comes from: by our own header, or by the broker's, which parks what has killed its consumer too often."""
    return headers.get("x-tidings-source-queue") or headers.get("x-first-death-queue")


def described(properties):
    headers = properties.headers or {}
    return {
        "message_id": properties.message_id,
        "sender": headers.get("x-tidings-sender"),
        "code": headers.get("x-tidings-code") or headers.get("x-first-death-reason"),
        "reason": headers.get("x-tidings-reason"),
    }


def taken(properties, body):
    try:
        return {"message_id": properties.message_id, "request": json.loads(body)}
    except ValueError:
        return {"message_id": properties.message_id, "unreadable": body.decode(errors="replace")}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--take", metavar="MESSAGE_ID")
    wanted = arguments.parse_args().take
    with pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])) as connection:
        channel = connection.channel()
        while True:
            # None is acknowledged but what is taken: the others are back in the queue when the connection closes.
            method, properties, body = channel.basic_get(PARKING)
            if method is None:
                break
            if source_of(properties.headers or {}) != REQUESTS:
                continue
            if wanted is None:
                print(json.dumps(described(properties)))
            elif properties.message_id == wanted:
                print(json.dumps(taken(properties, body)), flush=True)
                channel.basic_ack(method.delivery_tag)
                break


if __name__ == "__main__":
    main()
