import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CANCELABLE,
  CLAIMABLE_WHEN_DUE,
  FINISHED,
  RETRYABLE,
  STATUSES,
  TRANSITIONS,
  canGo,
  whyNot,
} from '../../../shared/contracts/index.ts';

const anyStatus = fc.constantFrom(...STATUSES);

test('every status that a transition leads to is itself in the table', () => {
  for (const targets of Object.values(TRANSITIONS))
    for (const target of targets) expect(STATUSES).toContain(target);
});

test('whatever the path, a walk through the table ends in a status that is finished or waits for a person', () => {
  fc.assert(
    fc.property(anyStatus, fc.infiniteStream(fc.nat()), (start, choices) => {
      let status = start;
      for (const choice of choices) {
        const next = TRANSITIONS[status];
        // The walk ends by itself, or where a person or a callback would have to move it on.
        if (next.length === 0 || status === 'sent' || (RETRYABLE as readonly string[]).includes(status))
          break;
        status = next[choice % next.length] ?? status;
      }
      expect([...FINISHED, ...RETRYABLE]).toContain(status);
    }),
  );
});

test('what can be canceled has nothing handed over, and what is claimable when due can be claimed', () => {
  for (const status of CANCELABLE) expect(canGo(status, 'canceled')).toBe(true);
  for (const status of STATUSES)
    expect(canGo(status, 'canceled')).toBe((CANCELABLE as readonly string[]).includes(status));
  for (const status of [...CLAIMABLE_WHEN_DUE, 'pending'] as const)
    expect(canGo(status, 'sending')).toBe(true);
});

test('a sent notification is never sent again', () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat()), (choices) => {
      let status: (typeof STATUSES)[number] = 'sent';
      for (const choice of choices) {
        const next: readonly (typeof STATUSES)[number][] = TRANSITIONS[status];
        if (next.length === 0) break;
        status = next[choice % next.length] ?? status;
        expect(status).not.toBe('sending');
      }
    }),
  );
});

test('what cannot be done to one is said with what it could be done to', () => {
  expect(whyNot('scheduled', 'retried')).toBe(
    'It is scheduled; only what is failed_permanently, outcome_unknown or suppressed can be retried.',
  );
  expect(whyNot('sent', 'canceled')).toBe(
    'It is sent; only what is scheduled, pending, held or failed can be canceled.',
  );
  expect(whyNot('sent', 'resolved')).toBe('It is sent; only what is outcome_unknown can be resolved.');
});
