import { MAX_JSON_VALUES, type FieldError } from '../../../shared/contracts/index.ts';
import { fieldOfExcess } from '../../../shared/runtime/json-bytes.ts';
import { readJson, type Reading } from '../../../shared/runtime/strict-json.ts';
import { NotUtf8, decodeUtf8 } from '../../../shared/runtime/utf8.ts';
import { Problem, malformedJson } from './problem.ts';

/**
 * Reads the bytes of a JSON object or list, and names what of it cannot be kept as it was given.
 * @throws Problem when it is none, is not UTF-8, or has too many values.
 */
export function readJsonBody(bytes: Buffer): Reading {
  const excess = excessOf(bytes);
  if (excess) throw new Problem('validation_failed', { errors: [excess] });
  const { value, troubles } = readDocument(bytes);
  if (typeof value === 'object' && value !== null) return { value, troubles };
  throw new Problem('malformed_json', { detail: 'The body must be a JSON object.' });
}

/** The same where any trouble refuses all of it. @throws Problem */
export function parseJsonBody(bytes: Buffer): object {
  const { value, troubles } = readJsonBody(bytes);
  if (troubles.length > 0) throw new Problem('validation_failed', { errors: troubles });
  return value as object;
}

/** Reads any JSON value. @throws Problem when it is no JSON, or not UTF-8. */
export function readDocument(bytes: Buffer): Reading {
  try {
    return readJson(decodeUtf8(bytes));
  } catch (thrown) {
    if (thrown instanceof NotUtf8)
      throw new Problem('malformed_json', {
        detail: `The body is not UTF-8: ${thrown.message} (RFC 8259 §8.1).`,
      });
    throw malformedJson(thrown);
  }
}

/** What is wrong with a document that takes longer to parse than others may wait; undefined when nothing is. What is small has not that many values. */
export function excessOf(bytes: Buffer): FieldError | undefined {
  if (bytes.length <= MAX_JSON_VALUES) return undefined;
  const field = fieldOfExcess(bytes, MAX_JSON_VALUES);
  if (field === undefined) return undefined;
  const message = `has more than ${MAX_JSON_VALUES} values (fields, items, objects and lists), which is the most`;
  return { field: field || 'body', message };
}
