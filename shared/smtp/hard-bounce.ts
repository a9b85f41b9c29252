/**
 * Enhanced statuses (RFC 3463, RFC 7505) by which an address takes nothing for good: no such mailbox or domain, no address at all, moved
 * away, a domain without mail, a mailbox that was closed. All others of class 5 may be about the mail, about us, or about the way.
 */
const FOR_GOOD = /^5\.(1\.(1|2|3|6|10)|2\.1)$/;

/** Whether a status such as 5.1.1 says that the address will never take anything. */
export function isHardBounce(status: string): boolean {
  return FOR_GOOD.test(status);
}
