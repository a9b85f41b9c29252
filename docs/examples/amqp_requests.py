"""Hands notifications over to Tidings by RabbitMQ.

    pip install pika
    export AMQP_URL=amqps://shop:password@rabbitmq.example.org:5671
    echo '{"message_id": "order-7", "request": {"user_id": "u1", "type": "in_app", "message": "Hello"}}' | python amqp_requests.py

Each line of standard input is one of them; a line is printed for each that RabbitMQ has on disk. After any error repeat all that were not
printed, with the same message_id: it is the idempotency key, so nothing is sent twice.
"""

import json
import os
import sys

import pika

EXCHANGE = "tidings.requests"
ROUTING_KEY = "notification.requested"


def hand_over(channel, sender, message_id, request):
    """Returns when RabbitMQ has it. Raises UnroutableError or NackError when it has not, or what pika says of a lost connection."""
    properties = pika.BasicProperties(
        message_id=message_id,
        # RabbitMQ refuses any other name than that of the connected user, so Tidings knows who it is from.
        user_id=sender,
        content_type="application/json",
        delivery_mode=pika.DeliveryMode.Persistent,
    )
    body = json.dumps(request).encode()
    channel.basic_publish(EXCHANGE, ROUTING_KEY, body, properties, mandatory=True)


def main():
    parameters = pika.URLParameters(os.environ["AMQP_URL"])
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        # From now on publishing waits for RabbitMQ's answer.
        channel.confirm_delivery()
        for line in sys.stdin:
            message = json.loads(line)
            sender = parameters.credentials.username
            hand_over(channel, sender, message["message_id"], message["request"])
            print(json.dumps({"handed_over": message["message_id"]}), flush=True)


if __name__ == "__main__":
    main()
