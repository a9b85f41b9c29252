import { emailAddress, type FieldError } from '../../../shared/contracts/index.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import { decodeUtf8 } from '../../../shared/runtime/utf8.ts';
import { Problem } from './problem.ts';

/** The fields of a form or a query; what comes more than once is a list. */
export type Fields = Record<string, string | string[]>;

/** Fields that are read; forms of ours have fewer than thirty. */
const MAX_FIELDS = 1_000;

/** Values that have a plus where a space can never be. The plus of E.164, and of a zone; addresses of mail have a check of their own. */
const HAS_PLUS: readonly RegExp[] = [
  /^\+[1-9]\d{6,14}$/,
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?\+\d\d:?\d\d$/,
];

/** Reads the bytes of an urlencoded form. @throws Problem when they are not UTF-8, or an escape is none. */
export function readFormBody(bytes: Buffer): { value: Fields; troubles: FieldError[] } {
  // Programs and browsers write forms, and escape them: what a signature is made of must not be changed.
  return { value: readFields(asText(bytes), decoded), troubles: [] };
}

/** Reads a query, which people write by hand: a plus that nobody has escaped is kept where a space can never be. @throws Problem */
export function readQuery(text: string): Fields {
  return readFields(text, decodedByHand);
}

/** Reads `a=1&b=2`. Nothing is dropped. @throws Problem */
function readFields(text: string, valueOf: (raw: string, field: string) => string): Fields {
  const pairs = text.split('&', MAX_FIELDS + 1).filter((pair) => pair !== '');
  if (pairs.length > MAX_FIELDS)
    throw refused('body', `has more than ${MAX_FIELDS} fields, which is the most`);
  // Without a prototype, so that no name means anything.
  const fields = Object.create(null) as Fields;
  for (const pair of pairs) {
    const [name = '', ...rest] = pair.split('=');
    const field = decoded(name, 'a name of a field');
    const value = valueOf(rest.join('='), field);
    const before = fields[field];
    fields[field] = before === undefined ? value : [before, value].flat();
  }
  return fields;
}

/** A plus stands for a space. Where no space can be, it was a plus that nobody has escaped as %2B. */
function decodedByHand(raw: string, field: string): string {
  if (!raw.includes('+')) return decoded(raw, field);
  const asPlus = decoded(raw.replaceAll('+', '%2B'), field);
  const isPlus = HAS_PLUS.some((pattern) => pattern.test(asPlus)) || emailAddress.safeParse(asPlus).success;
  return isPlus ? asPlus : decoded(raw, field);
}

function decoded(raw: string, field: string): string {
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    throw refused(field, 'has a % that begins no escape of UTF-8: write %25 for a % itself');
  }
}

function asText(bytes: Buffer): string {
  try {
    return decodeUtf8(bytes);
  } catch (thrown) {
    throw refused('body', toError(thrown).message);
  }
}

function refused(field: string, message: string): Problem {
  return new Problem('validation_failed', { errors: [{ field, message }] });
}
