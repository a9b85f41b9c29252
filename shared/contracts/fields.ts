import { z } from 'zod';

/**
 * Patterns that the documentation shows as they are, so without `\p{Cc}`, which not every language's regular expressions know; the ranges are
 * exactly that. No control character, CR and LF among them, belongs into a header, an id or a log line.
 */
export const ONE_LINE = new RegExp(without('\\u0000-\\u001f'));
/** Control characters have no business in a text either, but for tab, LF and CR. */
const LINES = new RegExp(without('\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f'));

function without(lowControls: string): string {
  return `^[^${lowControls}\\u007f-\\u009f]*$`;
}

/** What somebody can see. White space is not, nor is what Unicode calls ignorable: zero-width characters, fillers, tags, variation selectors. */
const VISIBLE = /[^\s\p{Cc}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb]/u;
const BLANK = 'must have a visible character, not only white space or invisible ones';

/** A string of one line, without control characters, that is not blank. `max` in characters. */
export function line(max: number): z.ZodString {
  return nonEmpty(max)
    .regex(ONE_LINE, {
      error: 'must be one line: no line breaks (CR, LF) or other control characters',
    })
    .refine((value) => VISIBLE.test(value), { error: BLANK });
}

/** A text of several lines that is not blank. `max` in characters. */
export function text(max: number): z.ZodString {
  return nonEmpty(max)
    .regex(LINES, { error: 'must not contain control characters' })
    .refine((value) => VISIBLE.test(value), { error: BLANK });
}

/** Names that an address cannot have between two slashes: browsers and HTTP clients take them out, escaped as well (RFC 3986 §5.2.4). */
const DOT_SEGMENTS = ['.', '..'];

/** The id of a person, as its application names them. It stands in addresses: /v1/users/{user_id}/… */
export const userId = line(256).refine((id) => !DOT_SEGMENTS.includes(id), {
  error: 'must not be . or .., which no address can hold',
});

/** The message of a maximal length: with the limit, and what was given. */
export function tooLong(max: number, unit = 'characters') {
  return ({ input }: { input?: unknown }): string => {
    const { length } = input as { length: number };
    return `must be at most ${max} ${unit}, and has ${length}`;
  };
}

/** What is wrong with what is no string, or not there at all. */
export function requiredString({ input }: { input: unknown }): string {
  return input === undefined ? 'is required' : 'must be a string';
}

function nonEmpty(max: number): z.ZodString {
  return (
    z
      .string({ error: requiredString })
      .min(1, { error: 'must not be empty' })
      // What is too long gets to no pattern.
      .max(max, { error: tooLong(max), abort: true })
  );
}

/** The years that ISO 8601 writes with four digits. A zone can lead out of them, and then the instant cannot be answered as it was given. */
const FOUR_DIGIT_YEARS = {
  from: Date.parse('0000-01-01T00:00:00.000Z'),
  to: Date.parse('9999-12-31T23:59:59.999Z'),
};

/** An instant in ISO 8601 with a zone, within the years 0000 to 9999 in UTC; read into a Date. */
export const instant = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 time with a zone, such as 2030-01-31T09:00:00Z' })
  .transform((value) => new Date(value))
  .refine((time) => time.getTime() >= FOUR_DIGIT_YEARS.from && time.getTime() <= FOUR_DIGIT_YEARS.to, {
    error: 'must be within the years 0000 to 9999 in UTC',
  });

/** Levels of nesting that `data` may have. */
const MAX_DATA_DEPTH = 16;
/** Characters that `data` may have as JSON. */
const MAX_DATA_CHARS = 65_536;

/** What MongoDB's driver takes for the mark of a type of its own, at any depth: it refuses to write an object that has it. */
const BSON_MARK = '_bsontype';

/**
 * Any JSON object, kept as it is. Not a record of zod, which drops a field `__proto__`; so its type is said to TypeScript, and its shape to the
 * documentation.
 */
export const anyObject = z
  .unknown()
  .refine((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: 'must be an object',
    abort: true,
  })
  .meta({ type: 'object', additionalProperties: {} }) as unknown as z.ZodType<Record<string, unknown>>;

/** The caller's own data: any JSON object whose keys and depth MongoDB can hold. */
export const jsonObject = anyObject
  // First, for what is too deep cannot even be written as JSON.
  .refine((value) => isStorable(value, MAX_DATA_DEPTH), {
    error: `must be nested at most ${MAX_DATA_DEPTH} deep, with keys without NUL and none named ${BSON_MARK}`,
    abort: true,
  })
  .refine((value) => JSON.stringify(value).length <= MAX_DATA_CHARS, {
    error: ({ input }) =>
      `must be at most ${MAX_DATA_CHARS} characters as JSON, and has ${JSON.stringify(input).length}`,
  });

function isStorable(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  return Object.entries(value).every(
    ([key, inner]) => !key.includes('\0') && key !== BSON_MARK && isStorable(inner, depth - 1),
  );
}
