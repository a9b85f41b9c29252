"""Publishes whatever a test wants to the exchange of requests, also what no honest client would; each line of standard input is a message.

Prints for each what RabbitMQ said: confirmed, or the code with which it closed the channel.
"""

import json
import os
import sys

import pika
from pika.exceptions import ChannelClosedByBroker


def publish(connection, message):
    channel = connection.channel()
    channel.confirm_delivery()
    properties = pika.BasicProperties(delivery_mode=2, **message.get("properties", {}))
    exchange = message.get("exchange", "tidings.requests")
    key = message.get("routing_key", "notification.requested")
    try:
        channel.basic_publish(exchange, key, message["body"].encode(), properties, mandatory=True)
        channel.close()
        return {"outcome": "confirmed"}
    except ChannelClosedByBroker as closed:
        return {"outcome": "refused", "code": closed.reply_code, "text": closed.reply_text}


with pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])) as connection:
    for line in sys.stdin:
        print(json.dumps(publish(connection, json.loads(line))), flush=True)
