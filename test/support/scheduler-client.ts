import { Client, Metadata, credentials, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import type { MethodDefinition, ServiceDefinition } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { schedulerService } from '../../services/producer/grpc/protos.ts';
import { API_KEY } from './fleet.ts';

/** What a call came to. */
export interface Outcome {
  error: ServiceError | null;
  jobId: string | undefined;
}

/** A client of the scheduler, in Node, where a test needs hold of a connection. */
export class SchedulerClient {
  readonly #client: Client;
  readonly #streams: ClientReadableStream<object>[] = [];

  /** `authority`: PEM of the authority to trust; speaks TLS with it. */
  constructor(port: number | undefined, authority?: Buffer) {
    const way = authority ? credentials.createSsl(authority) : credentials.createInsecure();
    this.#client = new Client(`127.0.0.1:${port}`, way);
  }

  /** Asks for a meeting, or sends its bytes as they are. `deadline` in milliseconds since the epoch; `more`: metadata, in order. */
  schedule(
    request: object | Buffer,
    deadline = Date.now() + 10_000,
    more: readonly (readonly [string, string])[] = [],
  ): Promise<Outcome> {
    const { path, requestSerialize, responseDeserialize } = methodOf(schedulerService, 'ScheduleMeet');
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${API_KEY}`);
    for (const [name] of more) metadata.remove(name);
    for (const [name, value] of more) metadata.add(name, value);
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        (given) => (Buffer.isBuffer(given) ? given : requestSerialize(given)),
        responseDeserialize,
        request,
        metadata,
        { deadline },
        (error, response) => {
          resolve({ error, jobId: (response as { job_id?: string } | undefined)?.job_id });
        },
      );
    });
  }

  /** The states of health that the server tells from now on, the first one among them; `onError` hears why it ends. */
  watchHealth(onError: (error: ServiceError) => void = () => undefined): string[] {
    const { path, requestSerialize, responseDeserialize } = methodOf(healthService, 'Watch');
    const seen: string[] = [];
    const stream = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
      service: '',
    });
    this.#streams.push(stream);
    stream
      .on('data', ({ status }: { status: string }) => seen.push(status))
      // The server stops in the end.
      .on('error', onError);
    return seen;
  }

  /** Ends what is open. */
  close(): void {
    for (const stream of this.#streams) stream.cancel();
    this.#client.close();
  }
}

function methodOf(service: ServiceDefinition, name: string): MethodDefinition<object, object> {
  const method = service[name];
  if (!method) throw new Error(`no method ${name}`);
  return method;
}
