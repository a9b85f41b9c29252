import { describe, expect, test } from 'vitest';
import { check } from '../../../infra/chaos/checker.ts';
import type { Handover, History, StoredRecord, Wish } from '../../../infra/chaos/history.ts';

const at = (seconds: number): Date => new Date(1_700_000_000_000 + seconds * 1_000);
const wish = (marker: string, more: Partial<Wish> = {}): Wish => ({
  marker,
  channel: 'email',
  recipient: 'fine',
  id: `id-${marker}`,
  acceptedAt: at(0).getTime(),
  ...more,
});
const record = (marker: string, more: Partial<StoredRecord> = {}): StoredRecord => ({
  _id: `id-${marker}`,
  idempotency_key: marker,
  status: 'sent',
  type: 'email',
  ambiguous_count: 0,
  attempt: 1,
  retry_count: 0,
  created_at: at(0),
  updated_at: at(1),
  sent_at: at(1),
  ...more,
});
const handover = (marker: string, more: Partial<Handover> = {}): Handover => ({
  marker,
  channel: 'email',
  at: at(1).getTime(),
  messageId: `<${marker}>`,
  ...more,
});

/** A run in which all went well, with whatever a test changes about it. */
function history(more: Partial<History> = {}): History {
  return {
    wishes: [wish('a'), wish('b')],
    handovers: [handover('a'), handover('b')],
    records: [record('a'), record('b')],
    total: 2,
    depths: {},
    bound: 0,
    complaints: [],
    slowestMs: 0,
    healedAt: at(0).getTime(),
    ...more,
  };
}

describe('the checker', () => {
  test('is content when all three witnesses agree', () => {
    expect(check(history())).toMatchObject({ ok: true, accepted: 2, terminal: 2, delivered: 2 });
  });

  test.each<[string, Partial<History>]>([
    ['an accepted one is not in the store', { records: [record('a')], total: 1 }],
    ['the store says sent, and nobody got it', { handovers: [handover('a')] }],
    ['one never comes to rest', { records: [record('a'), record('b', { status: 'pending' })] }],
  ])('reports a loss when %s', (_what, change) => {
    expect(check(history(change))).toMatchObject({ ok: false, lost: ['b'] });
  });

  test.each(['expired', 'canceled', 'outcome_unknown'] as const)(
    'does not take %s for an end when the recipient is fine',
    (status) => {
      const ended = history({ records: [record('a'), record('b', { status })], handovers: [handover('a')] });
      expect(check(ended).violations).toEqual(['ended without being delivered: 1 (b)']);
    },
  );

  test('does not hold against the fleet what it never promised', () => {
    const silent = wish('b');
    delete silent.id;
    const unpromised = {
      wishes: [wish('a'), silent],
      records: [record('a')],
      handovers: [handover('a')],
      total: 1,
    };
    expect(check(history(unpromised))).toMatchObject({ ok: true, recovered: 0 });
    expect(check(history({ wishes: unpromised.wishes }))).toMatchObject({ ok: true, recovered: 1 });
  });

  test('reports what nobody asked for, and what was canceled and sent all the same', () => {
    expect(check(history({ handovers: [handover('a'), handover('b'), handover('x')] })).unexpected).toEqual([
      'x',
    ]);
    const canceled = history({ wishes: [wish('a'), wish('b', { cancel: 'won' })] });
    expect(check(canceled)).toMatchObject({ ok: false, unexpected: ['b'] });
  });

  test('a duplicate must be within the bound, marked, and carry the same Message-ID', () => {
    const doubled = [handover('a'), handover('b'), handover('b')];
    const marked = [record('a'), record('b', { ambiguous_count: 1 })];
    expect(check(history({ handovers: doubled, records: marked, bound: 1 })).ok).toBe(true);
    expect(check(history({ handovers: doubled, records: marked })).violations).toEqual([
      '1 duplicates, and 0 are allowed',
      '1 ambiguous attempts, and 0 are allowed',
    ]);
    expect(check(history({ handovers: doubled, bound: 1 })).violations).toEqual([
      'duplicates that are not marked ambiguous: 1 (b)',
    ]);
    const otherId = [...doubled.slice(0, 2), handover('b', { messageId: '<other>' })];
    expect(check(history({ handovers: otherId, records: marked, bound: 1 })).violations).toEqual([
      'duplicates with another Message-ID: 1 (b)',
    ]);
  });

  test.each<[string, Partial<History>, RegExp]>([
    [
      'two notifications of one key',
      { records: [record('a'), record('b'), record('b')], total: 3 },
      /of one key: 1 \(b\)/,
    ],
    ['another id than was promised', { records: [record('a'), record('b', { _id: 'x' })] }, /another id/],
    ['figures that do not add up', { total: 3 }, /counts 3, the store holds 2/],
    [
      'a queue that is not empty',
      { depths: { 'tidings.v1.email': 4 } },
      /tidings.v1.email holds 4 messages instead of 0/,
    ],
    [
      'a dead letter without its message',
      {
        records: [record('a'), record('b', { status: 'failed_permanently' })],
        wishes: [wish('a'), wish('b', { recipient: 'refused' })],
        handovers: [handover('a')],
        depths: { 'tidings.v1.dlq': 0 },
      },
      /dlq holds 0 messages instead of 1/,
    ],
    [
      'a cancel that was refused and happened',
      {
        wishes: [wish('a'), wish('b', { cancel: 'too late' })],
        records: [record('a'), record('b', { status: 'canceled' })],
        handovers: [handover('a')],
      },
      /too late/,
    ],
    ['what the run itself complains of', { complaints: ['two resets'] }, /two resets/],
  ])('sees %s', (_what, change, words) => {
    const { ok, violations } = check(history(change));
    expect(ok).toBe(false);
    expect(violations.join('\n')).toMatch(words);
  });

  test('a recipient who is fine must not become a dead letter, unless the fault refuses at random', () => {
    const dead = history({
      records: [record('a'), record('b', { status: 'failed_permanently' })],
      handovers: [handover('a')],
      depths: { 'tidings.v1.dlq': 1 },
    });
    expect(check(dead)).toMatchObject({ ok: false, wronglyDead: ['b'] });
    expect(check(dead, { deadLetters: true }).ok).toBe(true);
  });

  test('measures the longest stall, and the time from the heal to the last end', () => {
    const times = [handover('a', { at: at(2).getTime() }), handover('b', { at: at(9).getTime() })];
    const verdict = check(
      history({
        handovers: times,
        records: [record('a'), record('b', { sent_at: at(9) })],
        healedAt: at(5).getTime(),
      }),
    );
    expect(verdict).toMatchObject({ longestStallMs: 7_000, recoveryMs: 4_000 });
  });
});
