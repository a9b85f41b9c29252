import { mkdirSync, rmSync } from 'node:fs';
import { Ports } from '../../local/ports.ts';
import { toolsDirOf } from '../../local/provision/servers.ts';
import { RabbitmqCluster } from './rabbitmq-cluster.ts';
import { ReplicaSet } from './replica-set.ts';

/** Three nodes of each server, on this machine. */
export interface Cluster {
  rabbitmq: RabbitmqCluster;
  mongodb: ReplicaSet;
  kill: () => Promise<void>;
}

/** Starts both, in a folder that is emptied first. They end with this process, however it ends. */
export async function startCluster({ root, dataDir }: { root: string; dataDir: string }): Promise<Cluster> {
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true });
  const place = { root, dataDir, ports: new Ports(dataDir), toolsDir: toolsDirOf(root) };
  const [rabbitmq, mongodb] = await Promise.all([RabbitmqCluster.start(place), ReplicaSet.start(place)]);
  return {
    rabbitmq,
    mongodb,
    // Nobody needs their data any more.
    kill: async () => {
      await Promise.all([rabbitmq.kill(), mongodb.kill()]);
    },
  };
}
