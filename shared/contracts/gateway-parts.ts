import { septetsOf } from './sms-segments.ts';

/** Septets of one text. A gateway joins none of them, so there is no header that would take some. */
const PART_SEPTETS = 160;

/**
 * Cuts a text into what a gateway makes one text of each: at most 160 septets with `1/3 ` before it where there are several.
 */
export function gatewayParts(text: string): string[] {
  if (cut(text, PART_SEPTETS).length === 1) return [text];
  // The more parts there are, the longer is what says so, and the less is left for the text.
  for (let digits = 1; ; digits += 1) {
    const parts = cut(text, PART_SEPTETS - '/ '.length - 2 * digits);
    if (String(parts.length).length <= digits)
      return parts.map((part, index) => `${index + 1}/${parts.length} ${part}`);
  }
}

/** Characters of a text that no plain text message carries, each once; none when it goes as it is. */
export function beyondGsm(text: string): string[] {
  return [...new Set(Array.from(text).filter((character) => septetsOf(character) === undefined))];
}

function cut(text: string, septets: number): string[] {
  const parts: string[] = [];
  let part = '';
  let used = 0;
  for (const character of text) {
    const size = septetsOf(character) ?? 1;
    if (used + size > septets) {
      parts.push(part);
      part = '';
      used = 0;
    }
    part += character;
    used += size;
  }
  return [...parts, part];
}
