import { MongoError } from 'mongodb';
import { PROBLEMS } from '../../../shared/contracts/index.ts';
import { RecordRefused } from '../../../shared/store/index.ts';
import { AcceptingStopped } from '../accept/acceptor.ts';
import { Problem, isStoreAway } from '../api/problem.ts';

/** How often a request is tried that fails by what nobody foresaw: with the pauses between, 3 to 13 s. */
export const TRIES = 7;

/** Why nothing is consumed for a while: MongoDB is away, it refuses what it is asked, or an operator drains the fleet. */
export type Shut = 'store' | 'refused' | 'stopped';

/** Whether it is about this request only, so that it would fail as often as it were tried. */
export function isRefusal(thrown: unknown): boolean {
  if (thrown instanceof RecordRefused) return true;
  return thrown instanceof Problem && PROBLEMS[thrown.code].status < 500;
}

/** What would be in the way of every other request as well; undefined where it may be this one only. */
export function reasonToShut(thrown: unknown): Shut | undefined {
  if (thrown instanceof AcceptingStopped) return 'stopped';
  if (isStoreAway(thrown)) return 'store';
  return thrown instanceof MongoError ? 'refused' : undefined;
}
