import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Files of an authority, and of a server that it vouches for. */
export interface Certificates {
  /** What clients are to trust. */
  authority: string;
  certificate: string;
  key: string;
  /** Certificate and key in one file, as MongoDB wants them. */
  both: string;
}

const EC = { keyType: 'ec', algorithm: 'sha256' } as const;

/** Makes an authority, and a certificate for a server at `ip`, and under a host name where one is given; in an empty folder. */
export async function makeCertificates(folder: string, ip: string, name?: string): Promise<Certificates> {
  const authority = await generate([{ name: 'commonName', value: 'Authority of a test' }], {
    ...EC,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: 'Server of a test' }], {
    ...EC,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      // MongoDB speaks to itself as a client, too.
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [{ type: 7, ip }, ...(name === undefined ? [] : [{ type: 2 as const, value: name }])],
      },
    ],
  });
  mkdirSync(folder, { recursive: true });
  return {
    authority: write(folder, 'authority.pem', authority.cert),
    certificate: write(folder, 'server.pem', server.cert),
    key: write(folder, 'server.key', server.private),
    both: write(folder, 'both.pem', `${server.cert}\n${server.private}`),
  };
}

function write(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}
