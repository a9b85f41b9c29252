import { readFileSync } from 'node:fs';

/** The page on servers with passwords and TLS. */
export const SECURED_SERVERS = 'docs/secured-servers.md';

/** The one block of code on a page of the documentation that contains some words, without its indentation. @throws when there is none, or several. */
export function documentedBlock(page: string, containing: string): string {
  const text = readFileSync(page, 'utf8');
  const blocks = [...text.matchAll(/^( *)```\S*\n([\s\S]*?)^ *```$/gm)].filter(([block]) =>
    block.includes(containing),
  );
  const [, indent = '', code] = blocks[0] ?? [];
  if (code === undefined || blocks.length > 1)
    throw new Error(`${page} has ${blocks.length} blocks with ${containing}`);
  return code.replace(new RegExp(`^${indent}`, 'gm'), '');
}

/** Each command of a program that begins a line in a block of code, with the lines that continue it. */
export function documentedCommands(page: string, program: string): string[] {
  const blocks = readFileSync(page, 'utf8').matchAll(/^```\n([\s\S]*?)^```$/gm);
  const lines = [...blocks].flatMap(([, code = '']) => code.split(new RegExp(`^(?=${program} )`, 'm')));
  return lines.map((command) => command.trim()).filter((command) => command.startsWith(`${program} `));
}

/** The text with each of `values` in place of its key. @throws when a key is not in the text: the page changed. */
export function replaced(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`the documentation does not say ${from} any more`);
    return changed.replaceAll(from, to);
  }, text);
}
