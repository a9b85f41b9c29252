/** Whether an address, or the host of a URL, is this machine's own: nobody else hears what is said there. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}
