import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { checkFile, sayBadRows, sayNotes } from '../../../infra/cli/csv/check.ts';
import { decodedPieces } from '../../../infra/cli/csv/decode.ts';
import { csvLine, csvRecords } from '../../../infra/cli/csv/records.ts';
import { rowsOf, type BadRow, type GoodRow } from '../../../infra/cli/csv/rows.ts';
import { Output } from '../../../infra/cli/terminal/output.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidings-csv-unit-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();

function fileOf(content: string | Buffer): string {
  const file = join(folder, 'file.csv');
  writeFileSync(file, content);
  return file;
}

/** The records of a file: the line, and the cells. */
async function linesOf(content: string | Buffer, delimiter?: string): Promise<[number, ...string[]][]> {
  const { records } = await csvRecords(fileOf(content), { delimiter });
  const found: [number, ...string[]][] = [];
  for await (const { line, cells } of records) found.push([line, ...cells]);
  return found;
}

async function readRows(content: string | Buffer, defaults = {}): Promise<(GoodRow | BadRow)[]> {
  const { rows } = await rowsOf({ file: fileOf(content), defaults }, '');
  return Readable.from(rows).toArray() as Promise<(GoodRow | BadRow)[]>;
}

/** The fields of the rows of a file, of which none is bad. */
async function fieldsOf(content: string | Buffer): Promise<Record<string, unknown>[]> {
  const rows = await readRows(content);
  return rows.map((row) => {
    if ('errors' in row) throw new Error(`line ${row.line}: ${JSON.stringify(row.errors)}`);
    return row.fields;
  });
}

/** What is wrong with the rows of a file, as it is printed. */
async function refusals(content: string | Buffer, defaults = {}): Promise<string[]> {
  const stderr = new PassThrough();
  const checked = await checkFile({ file: fileOf(content), defaults });
  sayBadRows(new Output(new PassThrough(), stderr, {}), checked);
  return linesFrom(stderr);
}

/** What was repaired, and which rows have an address in common, as it is printed. */
async function notes(content: string): Promise<string[]> {
  const stderr = new PassThrough();
  sayNotes(
    new Output(new PassThrough(), stderr, {}),
    await checkFile({ file: fileOf(content), defaults: {} }),
  );
  return linesFrom(stderr);
}

function linesFrom(stream: PassThrough): string[] {
  return String(stream.read() ?? '')
    .split('\n')
    .slice(0, -1);
}

describe('line ends', () => {
  test.each([['\n'], ['\r\n'], ['\r']])('%j: rows have the lines that an editor shows', async (end) => {
    const text = ['\ufeffa,b', '1,"x', '', 'y"', '', '2,3', '"4', '5",6', '7,8'].join(end);
    expect(await linesOf(text)).toEqual([
      [1, 'a', 'b'],
      [2, '1', 'x\n\ny'],
      [6, '2', '3'],
      [7, '4\n5', '6'],
      [9, '7', '8'],
    ]);
  });

  test('may be mixed within a file', async () => {
    expect(await linesOf('a,b\r\n1,2\n3,4\r5,6')).toEqual([
      [1, 'a', 'b'],
      [2, '1', '2'],
      [3, '3', '4'],
      [4, '5', '6'],
    ]);
  });

  test('a CR LF and a letter are read whole where a chunk ends between their bytes', async () => {
    const bytes = Buffer.from('\ufeffemail,ü\r\n1,€\r\n😀,2\r');
    const byteByByte = Readable.from(Array.from(bytes, (byte) => Buffer.from([byte])));
    let text = '';
    for await (const piece of decodedPieces('file', byteByByte)) text += piece.text;
    expect(text).toBe('email,ü\n1,€\n😀,2\n');
  });
});

describe('an encoding', () => {
  const text = 'user_id\tmessage\r\nu1\tGrüße 😀\r\n';
  test.each([
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-8 with two marks', Buffer.from(`\ufeff\ufeff${text}`)],
    ['UTF-16LE with a mark ("Unicode Text")', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16BE with a mark', utf16be(`\ufeff${text}`)],
    ['UTF-16LE without a mark', Buffer.from(text, 'utf16le')],
    ['UTF-16BE without a mark', utf16be(text)],
  ])('%s is read', async (_name, bytes) => {
    expect(await fieldsOf(bytes)).toEqual([{ type: 'in_app', user_id: 'u1', message: 'Grüße 😀' }]);
  });

  test.each([
    [
      'Windows-1252',
      Buffer.from('a,b\r\nüber,1\r\nu1,Gr\u00fc\u00dfe\r\n', 'latin1'),
      /line 2, column 1: the byte 0xFC is not UTF-8; in Windows-1252 it is "ü"/,
    ],
    [
      'Windows-1252, before a letter',
      Buffer.from('a,b\nAda,caf\u00e9s\n', 'latin1'),
      /line 2, column 8: the byte 0xE9 is not UTF-8; in Windows-1252 it is "é"/,
    ],
    [
      'Windows-1252, as the last byte',
      Buffer.from('a\nx\ncaf\u00e9', 'latin1'),
      /line 3, column 4: the byte 0xE9/,
    ],
    [
      'UTF-8 up to one letter',
      Buffer.concat([Buffer.from('a,b\n€😀,'), Buffer.from([0x80])]),
      /line 2, column 4: the byte 0x80 is not UTF-8; in Windows-1252 it is "€"/,
    ],
    [
      'UTF-16 that ends within a character',
      Buffer.from('fffe61', 'hex'),
      /line 1, column 1: the byte 0x61 is not UTF-16LE/,
    ],
    ['UTF-32', Buffer.from('fffe000061000000', 'hex'), /is not CSV but text in UTF-32/],
    ['a workbook', Buffer.from('PK\u0003\u0004rest'), /is not CSV but a workbook \(\.xlsx/],
    ['an old workbook', Buffer.from('d0cf11e0a1b1', 'hex'), /is not CSV but an old workbook/],
    ['a web page', Buffer.from('<html><table>'), /is not CSV but HTML or XML/],
  ])('%s is refused by name', async (_name, bytes, words) => {
    await expect(linesOf(bytes)).rejects.toThrow(words);
    await expect(linesOf(bytes)).rejects.toThrow('Save it as CSV in UTF-8');
  });

  test('is judged far into a large file, too', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `u${index},Grüße`).join('\n');
    const bytes = Buffer.concat([Buffer.from(`user_id,message\n${rows}\nü,`), Buffer.from([0xe9, 0x0a])]);
    await expect(linesOf(bytes)).rejects.toThrow('line 20002, column 3: the byte 0xE9');
  });
});

describe('a separator', () => {
  test.each([
    ['a comma', 'user_id,message\nu1,Hi;there'],
    ['a semicolon', 'user_id;message\nu1;Hi;there'.replace(/;there/, ',there')],
    ['a tab', 'user_id\tmessage\nu1\tHi;there'],
    ['a bar', 'user_id|message\nu1|Hi;there'],
    ['named by the first line', '\ufeffsep=;\r\nuser_id;message\r\nu1;Hi,there'],
    ['named by the first line in capitals and quotes', '"SEP=|"\nuser_id|message\nu1|Hi;there'],
    ['spaces after commas', 'user_id, message\nu1, "Hi,there"'],
    ['spaces around everything', ' user_id , message \n u1 ,  "Hi,there"  '],
  ])('is found: %s', async (_name, text) => {
    expect(await fieldsOf(text)).toMatchObject([
      { user_id: 'u1', message: expect.stringMatching(/^Hi[;,]there$/) as string },
    ]);
  });

  test('that was named decides, and a wrong one is named', async () => {
    const source = { file: fileOf('user_id,message\nu1,Hello'), delimiter: ';', defaults: {} };
    await expect(rowsOf(source, '')).rejects.toThrow(
      'line 1: its cells are separated by ",", and not by ";": leave out --delimiter',
    );
  });

  test('is not looked for in a single column', async () => {
    expect(await linesOf('email\na@example.org\n')).toEqual([
      [1, 'email'],
      [2, 'a@example.org'],
    ]);
  });

  test('a first line sep= keeps the lines of what follows', async () => {
    expect(await refusals('sep=;\nuser_id;email;message\nu1;nobody;Hello\n')).toEqual([
      'line 3: email must be an e-mail address such as ada@example.org: it has no @ ("nobody")',
    ]);
  });
});

describe('empty rows', () => {
  test.each([
    ['commas', ',,'],
    ['spaces', ' , , '],
    ['no-break spaces', '\u00a0,\u00a0\u200b,'],
    ['quotes', '"","",""'],
    ['one cell', ' '],
    ['more cells', ',,,,,'],
  ])('of %s are skipped, and the others keep their lines', async (_name, row) => {
    const text = ['user_id,email,message', row, 'u1,a@example.org,Hello', row, row, ''].join('\r\n');
    expect((await readRows(text)).map(({ line }) => line)).toEqual([3]);
  });

  test('before the first line are skipped', async () => {
    expect(await fieldsOf('\n,,\nuser_id,message\nu1,Hello\n')).toMatchObject([{ user_id: 'u1' }]);
  });
});

describe('the first line', () => {
  test('is read whatever its capitals, spaces and invisible characters', async () => {
    expect(
      await fieldsOf('\ufeff"USER_ID",\u00a0Email ,\u200bMessage\u200e\nu1,a@example.org,Hello'),
    ).toMatchObject([{ user_id: 'u1', email: 'a@example.org', message: 'Hello' }]);
  });

  test('may have empty columns, as long as nothing stands in them', async () => {
    expect(await fieldsOf('user_id,message,,\nu1,Hello,,\nu2,Hello\u0020,\u00a0,\n')).toHaveLength(2);
    expect(await refusals('user_id,message,,\nu1,Hello,,x\n')).toEqual([
      'line 2: row says "x" in cell 4, whose column has no name in the first line',
    ]);
  });

  test.each([
    ['E-Mail,message', 'E-Mail (is it email?)'],
    ['emial,message', 'emial (is it email?)'],
    ['Email Address,message', 'Email Address (is it email?)'],
    ['User ID,text', 'User ID (is it user_id?), text (is it message?)'],
    ['Mobile,message', 'Mobile (is it phone?)'],
    ['sendat,message', 'sendat (is it send_at?)'],
    ['attachments,message', 'attachments (files go with'],
    ['favourite colour,message', 'favourite colour. The first line'],
    ['email,message,Email', 'line 1: there are two columns email: 1 and 3'],
  ])('names what it cannot read, and what is perhaps meant: %s', async (header, words) => {
    await expect(readRows(`${header}\na,b,c\n`)).rejects.toThrow(words);
  });
});

describe('a row without an address', () => {
  test.each([
    ['email', 'user_id,email,message\nu1,a@example.org,Hello\nu2,,"Your code"', 'line 3: email is required'],
    ['email, blank', 'user_id,email,message\nu2, \u00a0,Hello', 'line 2: email is required'],
    ['email, alone', 'email,message\n,Hello', 'line 2: email is required'],
    ['phone', 'user_id,phone,message\nu2,,Hello', 'line 2: phone is required'],
    ['either', 'user_id,email,phone,message\nu2,,,Hello', 'line 2: email or phone is required'],
    [
      'email by its type',
      'user_id,type,email,message\nu2,email,,Hello',
      'line 2: email is required for type email',
    ],
    ['a type', 'user_id,type,message\nu2,,Hello', 'line 2: type must be one of email, sms, in_app'],
    ["a database's empty cell", 'user_id,email,message\nu2,\\N,Hello', 'line 2: email is required'],
  ])('is refused and not sent in-app: %s', async (_name, text, words) => {
    expect(await refusals(text)).toEqual([words]);
  });

  test('is in-app where that is said, or where no column could hold an address', async () => {
    expect(await fieldsOf('user_id,type,email,message\nu1,in_app,,Hello')).toMatchObject([
      { type: 'in_app' },
    ]);
    expect(await fieldsOf('user_id,message\nu1,Hello')).toMatchObject([{ type: 'in_app' }]);
    expect(await refusals('user_id,email,message\nu1,,Hello', { type: 'in_app' })).toEqual([]);
  });
});

describe('a cell', () => {
  const phone = (cell: string) => `phone,message\n${cell},Hello\n`;
  const email = (cell: string) => `email,message\n${cell},Hello\n`;

  test.each([
    ['\u202a+49 1512 3456789\u202c', '+4915123456789', []],
    [
      '+49\u00a01512\u202f3456789',
      '+4915123456789',
      [
        'line 2: phone character 4 is U+00A0 (no-break space) and was taken out; phone character 9 is U+202F (narrow no-break space) and was taken out',
      ],
    ],
    ["'+4915123456789", '+4915123456789', ['line 2: phone "\'+4915123456789" was read as "+4915123456789"']],
    [
      '"=""+4915123456789"""',
      '+4915123456789',
      ['line 2: phone "=\\"+4915123456789\\"" was read as "+4915123456789"'],
    ],
    [
      'tel:+4915123456789',
      '+4915123456789',
      ['line 2: phone "tel:+4915123456789" was read as "+4915123456789"'],
    ],
  ])('of a number is repaired: %j', async (cell, sent, said) => {
    expect(await fieldsOf(phone(cell))).toMatchObject([{ phone: sent, type: 'sms' }]);
    expect(await notes(phone(cell))).toEqual(said);
  });

  test.each([
    ['\u00a0ada@example.org\ufeff', []],
    [
      'ada\u200b@example\u00ad.org',
      [
        'line 2: email character 4 is U+200B (zero width space) and was taken out; email character 13 is U+00AD (soft hyphen) and was taken out',
      ],
    ],
    ['mailto:ada@example.org', ['line 2: email "mailto:ada@example.org" was read as "ada@example.org"']],
  ])('of an e-mail address is repaired: %j', async (cell, said) => {
    expect(await fieldsOf(email(cell))).toMatchObject([
      { email: 'ada@example.org', user_id: 'ada@example.org' },
    ]);
    expect(await notes(email(cell))).toEqual(said);
  });

  test.each([
    [phone('4.9151E+11'), 'line 2: phone was shortened by a spreadsheet'],
    [phone('"4,9151E+11"'), 'line 2: phone was shortened by a spreadsheet'],
    [
      phone('4915123456789'),
      'line 2: phone must begin with + and the country, such as +4915123456789: a spreadsheet drops the +',
    ],
    ['user_id,message\n1.23457E+15,Hello', 'line 2: user_id was shortened by a spreadsheet'],
    [
      'user_id,message\nu\u200b1,Hello',
      'line 2: user_id cannot be sent: character 2 is U+200B (zero width space); take it out',
    ],
    [
      'user_id,message\nu\u00001,Hello',
      'line 2: user_id cannot be sent: character 2 is U+0000 (control or format character); take it out',
    ],
    [
      'user_id,message\nu1,He\u0000llo',
      'line 2: message cannot be sent: character 3 is U+0000 (control or format character); take it out',
    ],
    [
      'user_id,message\nu1,Gr\ufffde',
      'line 2: message cannot be sent: character 3 is U+FFFD (replacement character); an earlier conversion lost a letter here',
    ],
    [email('ada\u00a0l@example.org'), 'line 2: email cannot be sent: character 4 is U+00A0 (no-break space)'],
    [email('#N/A'), 'line 2: email is an error of a spreadsheet'],
    ['user_id,message\nu1,#REF!', 'line 2: message is an error of a spreadsheet'],
    ['user_id,message\nu1,NULL', 'line 2: message is what a database writes for nothing'],
    [
      email('nobody'),
      'line 2: email must be an e-mail address such as ada@example.org: it has no @ ("nobody")',
    ],
    [`user_id,message\nu1,${'x'.repeat(100_001)}`, 'line 2: message must be at most 100000 characters'],
    ['user_id,message\nu1,Hello,there', 'line 2: row has 3 cells, and the first line 2'],
    ['user_id,subject,message\nu1,Hello', 'line 2: row has 2 cells, and the first line 3'],
  ])('that cannot be repaired is named: %$', async (text, words) => {
    const said = await refusals(text);
    expect(said).toHaveLength(1);
    expect(said[0]?.startsWith(words) ? words : said[0]).toBe(words);
  });

  test.each([
    ['=1+1'],
    ['+1 from me'],
    ['-20 %'],
    ['@ada'],
    ["'quoted'"],
    ['family: 👩\u200d👩\u200d👧'],
    ['a\u00a0b'],
    ['5.1E+3'],
  ])('of content stays as it is: %j', async (cell) => {
    expect(await fieldsOf(`user_id,message\nu1,${cell}`)).toMatchObject([{ message: cell }]);
    expect(await notes(`user_id,message\nu1,${cell}`)).toEqual([]);
  });

  test('in quotes keeps its line breaks and spaces', async () => {
    expect(await fieldsOf('user_id,message\r\nu1,"  two\r\nlines "\r\n')).toMatchObject([
      { message: '  two\nlines ' },
    ]);
  });

  test('is read as it was written to a file of rejects', async () => {
    const cells = ['plain', 'a,b', 'say "hi"', 'two\nlines', ' spaces ', ''];
    expect(await linesOf(csvLine(cells, ','))).toEqual([[1, ...cells]]);
  });
});

describe('quotes', () => {
  const header = 'user_id,message';
  test.each([
    [
      'not closed',
      `${header}\nu1,Hello\n\nu2,"Hello\nu3,Hello\n`,
      /line 4, cell 2 \(message\): the quote that begins this cell is not closed \(noticed in line 5\)/,
    ],
    [
      'not closed, in the first cell',
      `${header}\nu1,"two\nlines"\n"u2,Hello\n`,
      /line 4, cell 1 \(user_id\): the quote that begins this cell is not closed/,
    ],
    [
      'not closed, behind a cell of several lines',
      `${header}\n"u1\n\nx","Hello\n`,
      /line 4, cell 2 \(message\): the quote that begins this cell is not closed/,
    ],
    [
      'closed by the next one',
      `${header}\nu1,"Hello\nu2,"Hi"\n`,
      /line 2, cell 2 \(message\): the quote that begins this cell is closed before its end.* \(noticed in line 3\)/,
    ],
    [
      'escaped with a backslash',
      `${header}\nu1,"say \\"hi\\""\n`,
      /line 2, cell 2 \(message\): the quote that begins this cell is closed before its end/,
    ],
    [
      'within a cell',
      `${header}\nu1,5" pipe\n`,
      /line 2, cell 2 \(message\): this cell has a quote in its middle/,
    ],
    [
      'never closed in a long file',
      `${header}\nu1,"${'x\n'.repeat(2_100_000)}`,
      /line 2, cell 2 \(message\): the row is longer than 4000000 characters/,
    ],
  ])('%s are named by the line where they begin', async (_name, text, words) => {
    await expect(readRows(text)).rejects.toThrow(words);
  });
});

describe('an address that comes twice', () => {
  test('is named with both lines, whatever its capitals', async () => {
    const text =
      'email,message\nAda@Example.org,One\nb@example.org,Two\nada@example.org,Three\nb@example.org,Two\n';
    expect(await notes(text)).toEqual([
      'line 4: ada@example.org is in line 2, too as Ada@Example.org; each row is sent',
      'line 5: b@example.org is in line 3, too; each row is sent',
    ]);
  });

  test('makes the same row when only its capitals differ, and another one with another text', async () => {
    const rows = await readRows(
      'email,message\nAda@Example.org,One\nada@example.org,One\nada@example.org,Two\n',
    );
    expect(rows.map((row) => 'isRepeat' in row && row.isRepeat)).toEqual([false, true, false]);
    const [upper] = await readRows('email,message\nAda@Example.org,One\n');
    const [lower] = await readRows('email,message\nada@example.org,One\n');
    expect(upper).toMatchObject({ row: (lower as GoodRow).row, fields: { email: 'Ada@Example.org' } });
  });

  test('does not concern rows that are for one person in-app', async () => {
    expect(await notes('user_id,message\nu1,One\nu1,Two\n')).toEqual([]);
  });
});
