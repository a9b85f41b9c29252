import { describe, expect, test } from 'vitest';
import { RepeatedRefusals } from '../../../shared/smtp/repeated-refusals.ts';

const PEOPLE = ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay'].map((name) => `${name}@example.org`);

/** Refuses each recipient by what `reply` says; answers for whom it was about us. */
function refuse(
  people: readonly string[],
  reply: (recipient: string) => string,
  refusals = new RepeatedRefusals(),
): string[] {
  return people.filter((recipient) => {
    const message = reply(recipient);
    const [, code = '', status] = /^(\d{3}) (\d\.\d\.\d)?/.exec(message) ?? [];
    return refusals.isAboutUs({ recipient, reply: Number(code), status, message });
  });
}

describe('A server that refuses one recipient after the other in the same words', () => {
  test.each([
    ['without their addresses', () => '550 5.7.1 You are not welcome'],
    ['with their addresses', (to: string) => `550 5.7.1 <${to}>: not welcome (id ${to.length}x4f)`],
    ['without a status', () => '554 Not welcome'],
  ])('means us from the fifth on, %s', (_how, reply) => {
    expect(refuse(PEOPLE, reply)).toEqual(PEOPLE.slice(4));
  });

  test('means them when it takes one between', () => {
    const refusals = new RepeatedRefusals();
    refuse(PEOPLE.slice(0, 4), () => '550 5.7.1 no', refusals);
    refusals.taken();
    expect(refuse(PEOPLE.slice(0, 4), () => '550 5.7.1 no', refusals)).toEqual([]);
  });

  test.each([
    ['the same recipient again and again', () => PEOPLE.map(() => PEOPLE[0] ?? ''), () => '550 5.7.1 no'],
    ['other words each time', () => PEOPLE, (to: string) => `550 5.7.1 no, ${to.slice(0, 3)}`],
    ['a bare 550, which is mostly an unknown recipient', () => PEOPLE, () => '550 no'],
    ['a refusal that is no policy', () => PEOPLE, () => '550 5.1.0 no'],
  ])('does not mean us by %s', (_what, people, reply) => {
    expect(refuse(people(), reply)).toEqual([]);
  });
});
