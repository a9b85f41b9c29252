import { z } from 'zod';
import { url, whole, isOrigin } from './kinds.ts';

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
  TRUSTED_PROXIES: whole(0, 10)
    .default(0)
    .describe(
      'Proxies before the producer whose X-Forwarded-For is believed: limits, and keys with allow_from, go by the address. With PUBLIC_URL usually 1.',
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
