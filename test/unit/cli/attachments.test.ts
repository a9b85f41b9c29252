import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { attachmentsOf } from '../../../infra/cli/attachments.ts';
import { errorsOf } from '../../../infra/cli/request.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidings-attach-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A file of so many bytes, which takes no room on the disk. */
function fileOf(name: string, bytes: number): string {
  const file = join(folder, name);
  writeFileSync(file, '');
  truncateSync(file, bytes);
  return file;
}

describe('attached files', () => {
  const mail = { user_id: 'u1', type: 'email', email: 'a@example.org', message: 'Hello' };

  test.each([
    ['invoice.PDF', 'application/pdf'],
    ['meeting.ics', 'text/calendar'],
    ['data.unknown', 'application/octet-stream'],
    ['README', 'application/octet-stream'],
  ])('have the media type of their name: %s', (name, type) => {
    const attachments = attachmentsOf([fileOf(name, 3)]);
    expect(attachments).toEqual([{ filename: name, content_type: type, content: 'AAAA' }]);
    expect(errorsOf({ ...mail, attachments })).toEqual([]);
  });

  test('may be as large as the API takes, together', () => {
    const attachments = attachmentsOf([fileOf('a.pdf', 700_000), fileOf('b.pdf', 49_998)]);
    expect(errorsOf({ ...mail, attachments })).toEqual([]);
  });

  test.each([
    [
      'one that is too large',
      () => [fileOf('big.pdf', 750_001)],
      /750001 bytes together \(.*big\.pdf 750001\); one e-mail may carry 750000\. Send a link/,
    ],
    [
      'two that are too large together',
      () => [fileOf('c.pdf', 400_000), fileOf('d.pdf', 400_000)],
      /800000 bytes together/,
    ],
    ['one that no memory holds', () => [fileOf('huge.pdf', 40_000_000_000)], /40000000000 bytes together/],
    [
      'too many',
      () => Array.from({ length: 11 }, (_, index) => fileOf(`${index}.pdf`, 1)),
      /11 files are attached; one e-mail may carry 10/,
    ],
    ['none there', () => [join(folder, 'none.pdf')], /none\.pdf cannot be attached: ENOENT/],
    ['a folder', () => [folder], /cannot be attached: it is not a file/],
    ['an empty one', () => [fileOf('empty.pdf', 0)], /empty\.pdf cannot be attached: it is empty/],
  ])('are refused by name before they are read: %s', (_name, paths, words) => {
    expect(() => attachmentsOf(paths())).toThrow(words);
  });
});
