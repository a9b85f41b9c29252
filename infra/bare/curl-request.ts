/** A request that a document shows as a curl command. */
export interface CurlRequest {
  url: string;
  method: string;
  headers: Record<string, string>;
  body?: string;
}

/** The options that are known, and what they give; those with `undefined` change nothing of the request. */
const OPTIONS: Readonly<Record<string, 'method' | 'header' | 'data' | undefined>> = {
  '-X': 'method',
  '--request': 'method',
  '-H': 'header',
  '--header': 'header',
  '-d': 'data',
  '--data': 'data',
  '--data-raw': 'data',
  '-s': undefined,
  '--silent': undefined,
  '-S': undefined,
  '--show-error': undefined,
  '-f': undefined,
  '--fail': undefined,
};

/**
 * Reads a curl command of a document, so that its request can be sent on a machine without curl. Whatever it does not know it refuses: a
 * request that is not the one of the document would prove nothing. @throws RangeError
 */
export function curlRequestOf(command: string): CurlRequest {
  const [program, ...words] = shellWords(command);
  if (program !== 'curl') throw new RangeError(`this is no curl command: ${command.slice(0, 80)}`);
  const given: Record<'method' | 'header' | 'data' | 'url', string[]> = {
    method: [],
    header: [],
    data: [],
    url: [],
  };
  while (words.length > 0) {
    const word = words.shift() ?? '';
    if (!word.startsWith('-')) given.url.push(word);
    else if (!(word in OPTIONS)) throw new RangeError(`the option ${word} of curl is not known here`);
    else {
      const kind = OPTIONS[word];
      if (kind !== undefined) given[kind].push(valueOf(word, words));
    }
  }
  return requestOf(given);
}

function valueOf(option: string, words: string[]): string {
  const value = words.shift();
  if (value === undefined) throw new RangeError(`${option} has no value`);
  return value;
}

function requestOf({
  method,
  header,
  data,
  url,
}: Record<'method' | 'header' | 'data' | 'url', string[]>): CurlRequest {
  const [address, ...more] = url;
  if (address === undefined || more.length > 0)
    throw new RangeError(`one address is needed, not ${url.length}`);
  if (data.some((one) => one.startsWith('@'))) throw new RangeError('data from a file is not known here');
  const isBody = data.length > 0;
  return {
    url: /^https?:\/\//.test(address) ? address : `http://${address}`,
    method: method.at(-1) ?? (isBody ? 'POST' : 'GET'),
    headers: {
      // As curl does.
      ...(isBody && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...Object.fromEntries(header.map(headerOf)),
    },
    ...(isBody && { body: data.join('&') }),
  };
}

function headerOf(line: string): [string, string] {
  const [, name = '', value = ''] = /^([\w-]+):\s*(.+)$/.exec(line) ?? [];
  if (name === '') throw new RangeError(`this is no header: ${line}`);
  return [name.toLowerCase(), value];
}

/** A part of a word: in single quotes, in double quotes, escaped, or plain. What a shell would expand or run is none. */
const PART =
  /'(?<single>[^']*)'|"(?<double>(?:[^"\\$`]|\\[^\n])*)"|\\(?<escaped>[^\n])|(?<plain>[^\s'"\\$`|&;<>()*?[\]{}!#~]+)/y;

/** Splits a command into words as a shell does. @throws RangeError for what a shell would expand or run. */
function shellWords(command: string): string[] {
  // A line goes on behind a backslash.
  const text = command.trim().replace(/\\\n/g, ' ');
  const words: string[] = [];
  let isInside = false;
  for (let at = 0; at < text.length;) {
    const space = /\s+/y;
    space.lastIndex = at;
    const gap = space.exec(text)?.[0].length ?? 0;
    if (gap > 0) isInside = false;
    at += gap;
    PART.lastIndex = at;
    const part = PART.exec(text);
    if (!part?.groups)
      throw new RangeError(`a shell would do something of its own with ${text.slice(at, at + 20)}`);
    const { single, double, escaped, plain } = part.groups;
    const value = single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain ?? '';
    if (isInside) words.push(`${words.pop() ?? ''}${value}`);
    else words.push(value);
    isInside = true;
    at = PART.lastIndex;
  }
  return words;
}
