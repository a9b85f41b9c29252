import { mkdirSync, rmSync } from 'node:fs';
import { Ports } from '../../local/ports.ts';
import { toolsDirOf } from '../../local/provision/servers.ts';
import { RabbitmqCluster } from './rabbitmq-cluster.ts';
import { ReplicaSet } from './replica-set.ts';

/** Three nodes of each server, on this machine. */
export interface Cluster {
  rabbitmq: RabbitmqCluster;
  mongodb: ReplicaSet;
  stop: () => Promise<void>;
}

/** Starts both, in a folder that is emptied first. They end with this process, however it ends. */
export async function startCluster({ root, dataDir }: { root: string; dataDir: string }): Promise<Cluster> {
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true });
  const place = { root, dataDir, ports: new Ports(dataDir), toolsDir: toolsDirOf(root) };
  const mongodb = await ReplicaSet.start(place);
  const rabbitmq = await RabbitmqCluster.start(place);
  return {
    rabbitmq,
    mongodb,
    stop: async () => {
      await Promise.all([rabbitmq.stop(), mongodb.stop()]);
    },
  };
}
