/** GSM 03.38 basic characters: one septet each. */
const GSM_BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** GSM 03.38 extension characters: an escape and a septet. */
const GSM_EXTENSION = '^{}\\[~]|€\f';

/** Septets that a character takes in GSM 03.38; undefined when it is not in it. */
export function septetsOf(character: string): number | undefined {
  if (GSM_BASIC.includes(character)) return 1;
  return GSM_EXTENSION.includes(character) ? 2 : undefined;
}

/** How a text goes out as SMS. */
export interface Segments {
  encoding: 'GSM-7' | 'UCS-2';
  /** Messages on the wire; each costs. */
  count: number;
}

/**
 * Counts the segments of a text: 160 septets or 70 UTF-16 units in a single one, 153 or 67 in each of several, for the header that joins
 * them (3GPP TS 23.040). One character outside GSM 03.38 turns the whole text to UCS-2. A character is never split between segments.
 */
export function segmentsOf(text: string): Segments {
  const characters = Array.from(text);
  const septets = characters.map(septetsOf);
  return septets.every((size) => size !== undefined)
    ? { encoding: 'GSM-7', count: pack(septets, 160, 153) }
    : {
        encoding: 'UCS-2',
        count: pack(
          characters.map((character) => character.length),
          70,
          67,
        ),
      };
}

function pack(sizes: number[], single: number, joined: number): number {
  if (sizes.reduce((sum, size) => sum + size, 0) <= single) return 1;
  let count = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > joined) {
      count += 1;
      used = 0;
    }
    used += size;
  }
  return count;
}
