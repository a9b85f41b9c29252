import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificates } from './certificates.ts';
import { documentedBlock, replaced } from './documented.ts';
import { startPeerServer, type PeerServer } from './peer-server.ts';

/** Where the proxy listens, and what is behind it. */
export interface NginxOptions {
  program: string;
  folder: string;
  certificates: Certificates;
  port: number;
  producerPort: number;
  grpcPort: number;
  /** Changes the documented configuration, to see what it is for. */
  change?: (configuration: string) => string;
}

/** Starts nginx with the configuration of docs/reverse-proxy.md. */
export function startNginx(options: NginxOptions): Promise<PeerServer> {
  const { program, folder, port, change = (same) => same } = options;
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, aroundIt(folder, change(configurationOf(options))));
  return startPeerServer({
    name: 'nginx',
    folder,
    command: program,
    args: ['-p', folder, '-c', file, '-e', 'stderr', '-g', 'daemon off;'],
    ports: [port],
  });
}

function configurationOf({ certificates, port, producerPort, grpcPort }: NginxOptions): string {
  return replaced(documentedBlock('docs/reverse-proxy.md', 'proxy_pass'), {
    'listen 443 ': `listen 127.0.0.1:${port} `,
    '/etc/tidings/tidings.pem': certificates.certificate,
    '/etc/tidings/tidings.key': certificates.key,
    'http://127.0.0.1:3000': `http://127.0.0.1:${producerPort}`,
    'grpc://127.0.0.1:50051': `grpc://127.0.0.1:${grpcPort}`,
  });
}

/** What Debian's own nginx.conf says around it, with files of its own. */
function aroundIt(folder: string, configuration: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder};`,
  );
  return [
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'worker_processes 1;',
    `pid ${join(folder, 'master.pid')};`,
    'events { worker_connections 768; }',
    `http {\naccess_log off;\ngzip on;\n${temporary.join('\n')}`,
    configuration,
    '}\n',
  ].join('\n');
}
