import { expect, test } from 'vitest';
import { magicOf } from '../../../infra/local/sandbox/magic-recipients.ts';
import { createOutput, showsColour } from '../../../infra/local/supervisor/output.ts';
import { restartDelay } from '../../../infra/local/supervisor/restart.ts';

test('lines of a process stand whole behind its name, however they come in pieces', () => {
  let text = '';
  const output = createOutput((piece) => (text += piece), ['a', 'longer'], false);
  output.from('a', 'one\ntw');
  output.from('longer', 'x\n');
  output.from('a', 'o\n');
  expect(text).toBe('a      | one\nlonger | x\na      | two\n');
});

test('colour shows on a terminal, unless NO_COLOR is set', () => {
  expect(showsColour({ isTTY: true }, {})).toBe(true);
  expect(showsColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(showsColour({}, {})).toBe(false);
});

test('a crashed process is started again within a second the first time, and at most every 30 s', () => {
  expect(restartDelay(1)).toBeLessThan(1_000);
  expect(restartDelay(3)).toBe(2_000);
  expect(restartDelay(50)).toBe(30_000);
});

test('magic recipients go by the local part, with a tag too', () => {
  expect(magicOf('flaky+7@any.example')?.local).toBe('flaky');
  expect(magicOf('Bounce@example.org')?.local).toBe('bounce');
  expect(magicOf('flakyone@example.org')).toBeUndefined();
});
