import { connect } from 'amqplib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Broker, PARKING_QUEUE, REQUESTS_QUEUE } from '../../../shared/broker/index.ts';
import { MAX_BODY_BYTES } from '../../../shared/contracts/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { HELLO as hello, RequestsFleet } from '../../support/requests-fleet.ts';
import { BROKERS, createTestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

describe.each(BROKERS)('what RabbitMQ itself does about requests, in %s', (version) => {
  let fleet: RequestsFleet;

  beforeAll(async () => {
    fleet = await RequestsFleet.start({}, version);
  });
  afterEach(() => fleet.clear());
  afterAll(() => fleet.stop());

  test('a parked one is taken out, corrected and handed over again', async () => {
    await fleet.handOver(
      { message_id: 'wrong', request: { ...hello, type: 'fax' } },
      { message_id: 'other', request: { ...hello, type: 'telex' } },
    );
    await fleet.untilParked(2);
    const [taken] = (await fleet.operate(['--take', 'wrong'])) as [{ message_id: string; request: object }];
    expect(taken).toEqual({ message_id: 'wrong', request: { ...hello, type: 'fax' } });
    await fleet.handOver({ ...taken, request: { ...taken.request, type: 'in_app' } });
    await fleet.untilStored('wrong');
    expect((await fleet.untilParked(1)).map(({ message_id }) => message_id)).toEqual(['other']);
  });

  test('what ends its consumer again and again RabbitMQ parks by itself, and it is listed with the others', async () => {
    // Without a producer, which would take it.
    const own = await createTestServers(version);
    const broker = new Broker({ url: own.rabbitmqUrl, service: 'test', delays: [100], log: silentLogger });
    broker.start();
    expect(await broker.ready(10_000)).toBe(true);
    await fleet.publish(
      [{ body: JSON.stringify(hello), properties: { message_id: 'killer' } }],
      own.rabbitmqUrl,
    );
    const model = await connect(own.rabbitmqUrl);
    const channel = await model.createChannel();
    await channel.consume(REQUESTS_QUEUE, (message) => {
      if (message) channel.nack(message);
    });
    const watching = await model.createChannel();
    await until(async () => (await watching.checkQueue(PARKING_QUEUE)).messageCount === 1);
    await model.close();
    expect(await fleet.operate([], own.rabbitmqUrl)).toEqual([
      { message_id: 'killer', sender: null, code: 'delivery_limit', reason: null },
    ]);
    await broker.stop();
    await own.drop();
  });

  test('RabbitMQ lets it publish there and nowhere else, and under no other name', async () => {
    const body = JSON.stringify(hello);
    const properties = { message_id: 'm1' };
    const said = await fleet.publish([
      { body, properties, exchange: 'tidings.v1', routing_key: 'in_app.transactional' },
      { body, properties, exchange: '', routing_key: REQUESTS_QUEUE },
      { body, properties, routing_key: 'notification.reqested' },
      { body, properties: { ...properties, user_id: 'somebody-else' } },
    ]);
    expect(said).toMatchObject([{ code: 403 }, { code: 403 }, { code: 403 }, { code: 406 }]);
  });

  test('a message that could never be accepted is refused by the RabbitMQ that comes with the fleet', async () => {
    const body = 'x'.repeat(2 * MAX_BODY_BYTES + 1);
    expect(await fleet.publish([{ body, properties: { message_id: 'm2' } }])).toMatchObject([
      { code: 406, text: expect.stringContaining('larger than') as string },
    ]);
  });
});
