/**
 * What a terminal would obey or hide instead of showing it: C0 but tab and LF, DEL and C1 (U+009B is a whole escape sequence's beginning),
 * and what turns the direction of writing, by which a text shows another order than it has.
 */
const OBEYED =
  // eslint-disable-next-line no-control-regex -- they are what this is about
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The same text, with what a terminal would obey written out, as \u001b. Tab and LF stay: lines are cut before, and `oneLine` takes them, too. */
export function visible(text: string): string {
  return text.replace(OBEYED, escaped);
}

/** The same text in one line. */
export function oneLine(text: string): string {
  return visible(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** A value as JSON in one line. JSON leaves C1 and the marks of direction as they are; written as \u009b they are the same value. */
export function visibleJson(value: unknown): string {
  return visible(JSON.stringify(value));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
