import { z } from 'zod';
import { url, whole, isOrigin, trustedProxies } from './kinds.ts';

/** What the producer listens on, and who reaches it. */
export const httpSettings = {
  PORT: whole(0, 65_535)
    .default(3000)
    .describe('Port of the producer: API, pages and probes. 0 takes any free port.'),
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe(
      'Address the producer and the probes listen on. On another one than a loopback address, the pages need PUBLIC_URL.',
    ),
  PUBLIC_URL: url('http:', 'https:')
    .refine((text) => !URL.canParse(text) || new URL(text).pathname === '/', { error: 'must have no path' })
    .optional()
    .describe(
      'Address under which people reach the pages, such as https://tidings.example.org. Without it: this machine only.',
    ),
  ALLOWED_ORIGINS: z
    .string()
    .refine((text) => text.split(',').every(isOrigin), {
      error:
        'must be one or more origins, separated by commas, without a path or a slash at the end, such as http://localhost:4200,https://app.example.org',
    })
    .optional()
    .describe(
      'Pages of other origins that may follow and make task updates from a browser, such as http://localhost:4200. Without it: none.',
    ),
  TRUSTED_PROXIES: trustedProxies
    .prefault('0')
    .describe(
      'Proxies whose X-Forwarded-For is believed, for limits by address and for keys with allow_from: their addresses and blocks, such as 10.0.0.0/8,127.0.0.1, or how many of them stand one behind the other before the producer (usually 1 with PUBLIC_URL). A number trusts every peer that reaches PORT, and no peer of gRPC with a certificate of ours.',
    ),
  REQUEST_TIMEOUT_SECONDS: whole(1, 600)
    .default(30)
    .describe('How long a client may take to send a request. Seconds.'),
  GRPC_PORT: whole(0, 65_535)
    .optional()
    .describe(
      'Port of the producer for gRPC; 0 takes any free one. Off when not set; `npm start` takes 50051, or another one where that is taken.',
    ),
  GRPC_TLS_CERT_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Certificate of the gRPC server, with its chain, in PEM. Without it gRPC is in the clear, on a loopback HOST only.',
    ),
  GRPC_TLS_KEY_FILE: z.string().min(1).optional().describe('Its private key, in PEM.'),
};
