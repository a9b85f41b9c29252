import type { Response } from 'express';
import { pause } from '../../../shared/runtime/backoff.ts';
import type { Fault } from './faults.ts';

/** Shows a fault of an API; answers whether there is nothing more to say. `refuse` says a refusal in the API's own words. */
export async function misbehave<Refusal>(
  fault: Fault & { refuse?: Refusal },
  response: Response,
  refuse: (response: Response, refusal: Refusal) => void,
): Promise<'answered' | 'go on'> {
  if (fault.delayMs !== undefined) await pause(fault.delayMs, goneSignal(response));
  if (fault.hang) return 'answered';
  if (fault.drop) response.socket?.destroy();
  else if (fault.refuse) refuse(response, fault.refuse);
  else return 'go on';
  return 'answered';
}

/** Ends a wait when nobody waits any more: the client hung up, or the sandbox stops. */
function goneSignal(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  return gone.signal;
}
