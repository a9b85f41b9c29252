"""Publishes messages whose properties and body are any bytes; each line of standard input is one, with its bytes in base64.

Prints for each what RabbitMQ said: confirmed, or why not.
"""

import base64
import json
import os
import sys

import pika
from pika.exceptions import AMQPChannelError


def published(connection, message):
    channel = connection.channel()
    channel.confirm_delivery()
    properties = pika.BasicProperties(
        delivery_mode=2,
        headers=message["headers"],
        timestamp=None if message["timestamp"] is None else int(message["timestamp"]),
        priority=message["priority"],
        **{name: base64.b64decode(value) for name, value in message["properties"].items()},
    )
    body = base64.b64decode(message["body"])
    try:
        channel.basic_publish("tidings.requests", message["routing_key"], body, properties, mandatory=True)
        channel.close()
        return {"outcome": "confirmed"}
    except AMQPChannelError as refused:
        return {"outcome": "refused", "text": str(refused)}


with pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])) as connection:
    for line in sys.stdin:
        print(json.dumps(published(connection, json.loads(line))), flush=True)
