import { url, rabbitmqUrl, mongoUri } from './kinds.ts';

/** RabbitMQ and MongoDB. */
export const serverSettings = {
  RABBITMQ_URL: rabbitmqUrl
    .default('amqp://guest:guest@127.0.0.1:5672')
    .describe(
      'RabbitMQ, 3.10 or later; the URLs of the nodes of a cluster are separated by commas, and name the same virtual host as their path. `npm start` provides one when this is not set.',
    ),
  RABBITMQ_MANAGEMENT_URL: url('http:', 'https:')
    .optional()
    .describe('RabbitMQ management API, with user and password. Without it the broker policy audit is off.'),
  MONGO_URI: mongoUri
    .default('mongodb://127.0.0.1:27017/tidings?replicaSet=rs0')
    .describe(
      'MongoDB 6.0 or later, a replica set, with the database name. `npm start` provides one when this is not set.',
    ),
};
