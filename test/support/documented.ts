import { readFileSync } from 'node:fs';

/** The blocks of code of a language on a page of the documentation, in order, without their indentation. */
export function documentedBlocks(page: string, language: string): string[] {
  const text = readFileSync(page, 'utf8');
  const blocks = text.matchAll(/^( *)```(\S*)\n([\s\S]*?)^ *```$/gm);
  return [...blocks]
    .filter(([, , said]) => said === language)
    .map(([, indent = '', , code = '']) => code.replace(new RegExp(`^${indent}`, 'gm'), ''));
}

/** The text with each of `values` in place of its key. @throws when a key is not in the text: the page changed. */
export function replaced(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`the documentation does not say ${from} any more`);
    return changed.replaceAll(from, to);
  }, text);
}
