import { EXCHANGES, workQueue } from '../../../shared/broker/index.ts';
import { CHANNEL_NAMES } from '../../../shared/contracts/index.ts';
import type { RabbitmqClusterNode } from '../cluster/rabbitmq-cluster.ts';
import { SERVICES } from '../../local/fleet.ts';
import type { Fault, World } from '../world.ts';

/** RabbitMQ dies, freezes, is out of memory or disk, or an administrator is at work. */
export const RABBITMQ_FAULTS: readonly Fault[] = [
  {
    name: 'rabbitmq-kill-leader',
    what: 'kill -9 of the node that leads the e-mail queue; back after 10 s',
    inject: async (world) => {
      const leader = await leaderOf(world);
      await leader.kill();
      await world.seconds(10);
      await leader.start();
    },
  },
  {
    name: 'rabbitmq-stop-node',
    what: 'a node is stopped as administrators do, and started again',
    inject: async (world) => {
      const leader = await leaderOf(world);
      await leader.ctl('stop_app');
      await world.seconds(8);
      await leader.ctl('start_app');
    },
  },
  {
    name: 'rabbitmq-freeze-leader',
    what: 'SIGSTOP of the node that leads the e-mail queue for 40 s',
    inject: async (world) => {
      const leader = await leaderOf(world);
      leader.signal('SIGSTOP');
      await world.seconds(40);
      leader.signal('SIGCONT');
    },
  },
  {
    name: 'rabbitmq-restart-all',
    what: 'kill -9 of all three nodes at once, with messages in every queue; back after 5 s',
    inject: async (world) => {
      const { nodes } = world.cluster.rabbitmq;
      await Promise.all(nodes.map((node) => node.kill()));
      await world.seconds(5);
      await Promise.all(nodes.map((node) => node.start()));
    },
  },
  {
    name: 'rabbitmq-memory-alarm',
    what: 'a memory alarm blocks all publishers for 15 s',
    inject: (world) =>
      alarm(world, ['set_vm_memory_high_watermark', '0.00001'], ['set_vm_memory_high_watermark', '0.4']),
  },
  {
    name: 'rabbitmq-disk-alarm',
    what: 'a disk alarm blocks all publishers for 15 s',
    inject: (world) => alarm(world, ['set_disk_free_limit', '900000GB'], ['set_disk_free_limit', '200MB']),
  },
  {
    name: 'rabbitmq-close-connections',
    what: 'an administrator closes every connection, five times',
    inject: async (world) => {
      for (let round = 0; round < 5; round += 1) {
        await world.cluster.rabbitmq.nodes[0]?.ctl('close_all_connections', '--global', 'chaos');
        await world.seconds(2);
      }
    },
  },
  {
    name: 'rabbitmq-delete-queue',
    what: 'an administrator deletes the e-mail queue with all its messages, under its consumers',
    inject: async (world) => {
      await world.cluster.rabbitmq.management(
        'DELETE',
        `queues/${world.vhost}/${workQueue('email', 'transactional')}`,
      );
      await world.seconds(5);
    },
  },
  {
    name: 'rabbitmq-unbind',
    what: 'an administrator removes the bindings of every work queue: first sends and returning retries find no queue',
    inject: async (world) => {
      for (const channel of CHANNEL_NAMES) {
        const path = `bindings/${world.vhost}/e/${EXCHANGES.work}/q/${workQueue(channel, 'transactional')}`;
        await world.cluster.rabbitmq.management('DELETE', `${path}/${channel}.transactional.%23`);
      }
      await world.seconds(10);
    },
  },
  {
    name: 'rabbitmq-away-at-start',
    what: 'the fleet starts while RabbitMQ refuses connections, for 10 s',
    routes: { rabbitmq: SERVICES },
    beforeStart: (world) => world.proxy('rabbitmq').refuse(),
    inject: async (world) => {
      await world.seconds(10);
      await world.proxy('rabbitmq').accept();
    },
  },
];

async function leaderOf(world: World): Promise<RabbitmqClusterNode> {
  return world.cluster.rabbitmq.leaderOf(world.vhost, workQueue('email', 'transactional'));
}

async function alarm(world: World, on: string[], off: string[]): Promise<void> {
  const { nodes } = world.cluster.rabbitmq;
  await Promise.all(nodes.map((node) => node.ctl(...on)));
  await world.seconds(15);
  await Promise.all(nodes.map((node) => node.ctl(...off)));
}
