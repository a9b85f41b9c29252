// Command amqp-go publishes to the exchange of requests, as a service written in Go does. Each line of standard input is a message:
// {"body": …, "message_id": …, "content_type": …, "user_id": …, "headers": {…}}; all but the body may be missing. It prints a line for each, once
// RabbitMQ has confirmed it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

type message struct {
	Body        string         `json:"body"`
	MessageID   string         `json:"message_id"`
	ContentType string         `json:"content_type"`
	UserID      string         `json:"user_id"`
	Headers     map[string]any `json:"headers"`
}

func main() {
	connection, err := amqp.Dial(os.Getenv("AMQP_URL"))
	check(err)
	defer connection.Close()
	channel, err := connection.Channel()
	check(err)
	check(channel.Confirm(false))
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var one message
		check(json.Unmarshal(lines.Bytes(), &one))
		check(publish(channel, one))
		fmt.Printf("{\"confirmed\":%q}\n", one.MessageID)
	}
	check(lines.Err())
}

func publish(channel *amqp.Channel, one message) error {
	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	// Fields that are not set are not sent.
	confirmation, err := channel.PublishWithDeferredConfirmWithContext(within, "tidings.requests", "notification.requested", true, false, amqp.Publishing{
		DeliveryMode: amqp.Persistent,
		MessageId:    one.MessageID,
		ContentType:  one.ContentType,
		UserId:       one.UserID,
		Headers:      tableOf(one.Headers),
		Body:         []byte(one.Body),
	})
	if err != nil {
		return err
	}
	isConfirmed, err := confirmation.WaitContext(within)
	if err == nil && !isConfirmed {
		err = fmt.Errorf("RabbitMQ did not take %q", one.MessageID)
	}
	return err
}

// tableOf makes tables of AMQP out of nested objects of JSON.
func tableOf(object map[string]any) amqp.Table {
	table := amqp.Table{}
	for name, value := range object {
		if nested, ok := value.(map[string]any); ok {
			value = tableOf(nested)
		}
		table[name] = value
	}
	return table
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
