import { Problem, malformedJson } from './problem.ts';

const UTF8 = new TextDecoder();

/** Reads what should be a JSON object, or a list. @throws Problem when it is none. */
export function parseJsonBody(bytes: Buffer): object {
  let json: unknown;
  try {
    json = JSON.parse(UTF8.decode(bytes));
  } catch (thrown) {
    throw malformedJson(thrown);
  }
  if (typeof json === 'object' && json !== null) return json;
  throw new Problem('malformed_json', { detail: 'The body must be a JSON object.' });
}
