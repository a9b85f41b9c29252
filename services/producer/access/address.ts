import ipaddr from 'ipaddr.js';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';

/** Bits of an IPv6 address that one customer is given; the rest they choose as they like. */
const IPV6_CUSTOMER_BITS = 64;

/**
 * The proxies whose `X-Forwarded-For` counts: a number of hops before a listener that ends no TLS itself, or the addresses and blocks of
 * the proxies, on every listener.
 */
export type TrustedProxies = number | readonly string[];

/** What of a request says where it comes from; a request of HTTP is one. */
export interface Arriving {
  headers: IncomingHttpHeaders;
  socket: { remoteAddress?: string | undefined };
  /** The listener ends TLS itself, so clients connect to it directly: a number of hops says nothing about its peers. */
  endsTls?: boolean;
}

/**
 * Answers the address of the client, for every listener: the first address, beginning at the peer, that is not a trusted proxy. A forwarded
 * address counts only when the peer that sent it is trusted.
 */
export function addressOf(request: Arriving, trusted: TrustedProxies): string {
  // A socket that is gone has no address any more.
  if (request.socket.remoteAddress === undefined) return '';
  const isProxy = proxyTest(request.endsTls === true && typeof trusted === 'number' ? 0 : trusted);
  // It reads the headers and the socket, nothing else.
  return proxyAddr(request as IncomingMessage, isProxy);
}

/** Tells whether an address, so many hops before us, is a trusted proxy; Express takes it as its `trust proxy` as well. */
export function proxyTest(trusted: TrustedProxies): (address: string, hop: number) => boolean {
  return typeof trusted === 'number'
    ? (_address, hop) => hop < trusted
    : (address) => isWithin(address, trusted);
}

/** What a limit counts by: an IPv4 address, or the part of an IPv6 address that its holder cannot change. */
export function limitKeyOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const bytes = parsed.toByteArray().map((byte, index) => (index < IPV6_CUSTOMER_BITS / 8 ? byte : 0));
  return new ipaddr.IPv6(bytes).toString();
}

/** Whether an address is in one of these blocks. An IPv4 address that comes as IPv6 is one all the same. */
export function isWithin(address: string, blocks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return blocks.some((block) => {
    const [base, bits] = block.includes('/') ? ipaddr.parseCIDR(block) : wholeOf(block);
    return base.kind() === parsed.kind() && parsed.match(base, bits);
  });
}

function wholeOf(address: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const parsed = ipaddr.parse(address);
  return [parsed, parsed.kind() === 'ipv4' ? 32 : 128];
}
