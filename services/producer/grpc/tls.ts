import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError, type Config } from '../../../shared/runtime/config.ts';
import { toError } from '../../../shared/runtime/errors.ts';

/** A certificate with its chain, and its key; in PEM. */
export interface GrpcTls {
  cert_chain: Buffer;
  private_key: Buffer;
}

/** What the settings name for TLS; undefined without. @throws ConfigError when it cannot be read, or does not fit together */
export function grpcTlsOf({ GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE }: Config): GrpcTls | undefined {
  if (GRPC_TLS_CERT_FILE === undefined || GRPC_TLS_KEY_FILE === undefined) return undefined;
  const cert_chain = read('GRPC_TLS_CERT_FILE', GRPC_TLS_CERT_FILE);
  const private_key = read('GRPC_TLS_KEY_FILE', GRPC_TLS_KEY_FILE);
  try {
    createSecureContext({ cert: cert_chain, key: private_key });
  } catch (thrown) {
    throw new ConfigError(
      `GRPC_TLS_CERT_FILE and GRPC_TLS_KEY_FILE: must be a certificate and its key in PEM: ${toError(thrown).message}`,
    );
  }
  return { cert_chain, private_key };
}

function read(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (thrown) {
    throw new ConfigError(`${setting}: cannot be read: ${toError(thrown).message}`);
  }
}
