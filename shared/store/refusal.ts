import { MongoBulkWriteError, MongoServerError, MongoWriteConcernError } from 'mongodb';

/**
 * Errors that speak of the server, the connection, the rights or the whole command, and so not of one record. By MongoDB's `error_codes.yml`:
 * HostUnreachable, HostNotFound, Unauthorized, AuthenticationFailed, LockTimeout, NamespaceNotFound, CursorNotFound, LockBusy,
 * MaxTimeMSExpired, CommandNotFound, WriteConcernFailed, InvalidOptions, UnknownReplWriteConcern, NetworkTimeout, ShutdownInProgress,
 * UnsatisfiableWriteConcern, WriteConflict, FailedToSatisfyReadPreference, QueryPlanKilled, PrimarySteppedDown,
 * NetworkInterfaceExceededTimeLimit, ExceededTimeLimit, TemporarilyUnavailable, SocketException, NotWritablePrimary, DuplicateKey,
 * Interrupted and its kin, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary, OutOfDiskSpace, InternalError, UnknownError, UserWritesBlocked,
 * AtlasError.
 */
const NOT_OF_A_RECORD = new Set<unknown>([
  6, 7, 13, 18, 24, 26, 43, 46, 50, 59, 64, 72, 79, 89, 91, 100, 112, 133, 175, 189, 202, 262, 365, 9_001,
  10_107, 11_000, 1, 8, 371, 8_000, 11_600, 11_601, 11_602, 13_435, 13_436, 14_031,
]);

/** Whether MongoDB refused to write one of the records of a command, so that the same write of the others would succeed. */
export function isRefusal(thrown: unknown): thrown is MongoServerError {
  if (!(thrown instanceof MongoServerError) || thrown instanceof MongoWriteConcernError) return false;
  if (thrown.hasErrorLabel('RetryableWriteError') || thrown.hasErrorLabel('TransientTransactionError'))
    return false;
  const codes = codesOf(thrown);
  return codes.length > 0 && codes.every(refusesRecord);
}

function refusesRecord(code: unknown): boolean {
  return typeof code === 'number' && !NOT_OF_A_RECORD.has(code);
}

/**
 * Errors that speak of one new record for certain: BadValue, TypeMismatch, DocumentValidationFailure, CannotBuildIndexKeys, BSONObjectTooLarge. All
 * others are answered as "come again", for a new record has no other place where it is kept.
 */
const OF_A_NEW_RECORD = new Set<unknown>([2, 14, 121, 171, 10_334]);

/** Whether an error code of MongoDB says that it refuses this very record, however often it is asked. */
export function refusesNewRecord(code: unknown): boolean {
  return OF_A_NEW_RECORD.has(code);
}

/** MongoDB refuses to store a new record: nothing of it is stored, and it would refuse it again. */
export class RecordRefused extends Error {
  override readonly name = 'RecordRefused';

  constructor({ code, errmsg = '' }: { code: number; errmsg?: string | undefined }) {
    super(`MongoDB refuses to store it: ${errmsg.slice(0, MAX_REASON_CHARS)} (error ${code})`);
  }
}

/** MongoDB's code and words of a refusal; without the values that `errInfo` quotes from the record. */
export function describeRefusal(thrown: MongoServerError): { code: string; reason: string } {
  const [code] = codesOf(thrown);
  return {
    code: typeof code === 'number' ? String(code) : 'unknown',
    reason: thrown.message.slice(0, MAX_REASON_CHARS),
  };
}

const MAX_REASON_CHARS = 300;

function codesOf(thrown: MongoServerError): unknown[] {
  if (!(thrown instanceof MongoBulkWriteError)) return [thrown.code];
  if (thrown.result.getWriteConcernError()) return [];
  return [thrown.writeErrors].flat().map(({ code }) => code);
}
