import { afterEach, describe, expect, test } from 'vitest';
import { EMAIL_PROVIDERS } from '../../../services/email/providers/index.ts';
import { SMS_PROVIDERS } from '../../../services/sms/providers/index.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import type { Outcome } from '../../../shared/delivery/index.ts';
import { CANDIDATES } from './candidates.ts';
import type { Stand } from './stand.ts';

/** What an attempt gets here, in milliseconds, where it is to run out. */
const TIME_MS = 600;
/** What a provider may take beyond its time, in milliseconds: the loop takes it for hanging after a second. */
const GRACE_MS = 1_000;

test('every provider of the registries is a candidate', () => {
  expect(Object.keys(CANDIDATES).sort()).toEqual(
    [...new Set([...Object.keys(EMAIL_PROVIDERS), ...Object.keys(SMS_PROVIDERS)])].sort(),
  );
});

describe.each(Object.entries(CANDIDATES))('the provider %s', (name, { capabilities, garbage, start }) => {
  let stand: Stand | undefined;
  afterEach(async () => {
    await stand?.provider.close?.();
    await stand?.stop();
    stand = undefined;
  });
  const standUp = async (): Promise<Stand> => (stand = await start());
  const silence = capabilities.knowsHandOver ? 'transient' : 'ambiguous';
  const send = ({ provider }: Stand, one: Notification, timeMs = 10_000): Promise<Outcome> =>
    provider.send(one, AbortSignal.timeout(timeMs));

  /** Whatever happened before, the next one goes out. */
  async function expectRecovery(on: Stand): Promise<void> {
    await on.network.accept();
    on.network.be();
    on.beforeAnswer(() => undefined);
    const one = on.notification();
    let outcome = await send(on, one);
    // A connection that was kept may have to be found dead first.
    if (outcome.kind !== 'sent') outcome = await send(on, one);
    expect(outcome).toMatchObject({ kind: 'sent', provider: name });
  }

  test('sends, under its name and with an id', async () => {
    const on = await standUp();
    const outcome = await send(on, on.notification());
    expect(outcome).toMatchObject({ kind: 'sent', provider: name });
    expect(outcome).toHaveProperty('provider_message_id', on.taken()[0]);
    expect(on.taken()).toHaveLength(1);
  });

  test.runIf(capabilities.stableId)('bears the same id at each attempt', async () => {
    const on = await standUp();
    const one = on.notification();
    await send(on, one);
    await send(on, one);
    expect(on.taken()).toHaveLength(2);
    expect(new Set(on.taken()).size).toBe(1);
  });

  test.each(['permanent', 'transient'] as const)('a %s refusal is not its own fault', async (how) => {
    const on = await standUp();
    on.refuse(how);
    const outcome = await send(on, on.notification());
    expect(outcome).toMatchObject({ kind: how, provider: name });
    expect(outcome).toHaveProperty('code', expect.stringMatching(/./));
    expect(outcome.reason).toMatch(/./);
    expect(outcome).not.toHaveProperty('providerFault');
    expect(on.taken()).toEqual([]);
  });

  test('trouble of its own is transient, and its fault', async () => {
    const on = await standUp();
    on.refuse('own fault');
    expect(await send(on, on.notification())).toMatchObject({ kind: 'transient', providerFault: true });
    expect(on.taken()).toEqual([]);
  });

  test.runIf(capabilities.rateLimits)('too much for it is put off for as long as it says', async () => {
    const on = await standUp();
    on.refuse('rate-limited');
    const outcome = await send(on, on.notification());
    expect(outcome).toMatchObject({ kind: 'deferred', providerFault: true, afterMs: 7_000 });
    expect(on.taken()).toEqual([]);
  });

  test('down, it is transient and its fault; then it recovers', async () => {
    const on = await standUp();
    await on.network.refuse();
    expect(await send(on, on.notification())).toMatchObject({ kind: 'transient', providerFault: true });
    await expectRecovery(on);
  });

  test('hanging, it comes to an end when the time is up', async () => {
    const on = await standUp();
    on.network.be({ loseDownstream: true, loseUpstream: true });
    const startedAt = Date.now();
    expect((await send(on, on.notification(), TIME_MS)).kind).toBe(silence);
    expect(Date.now() - startedAt).toBeLessThan(TIME_MS + GRACE_MS);
    await expectRecovery(on);
  });

  test.runIf(capabilities.heedsPatience)('hanging before another provider, it gives up early', async () => {
    const on = await standUp();
    on.network.be({ loseDownstream: true });
    // Less than what a provider waits for a connection by itself.
    const time = AbortSignal.timeout(5_000);
    const outcome = await on.provider.send(on.notification(), time, AbortSignal.timeout(100));
    expect(outcome).toMatchObject({ kind: 'transient', providerFault: true });
    expect(time.aborted).toBe(false);
    expect(on.taken()).toEqual([]);
    await expectRecovery(on);
  });

  test.runIf(capabilities.heedsPatience)('impatience never ends a hand-over that has begun', async () => {
    const on = await standUp();
    const patience = new AbortController();
    on.beforeAnswer(() => {
      patience.abort();
    });
    const outcome = await on.provider.send(on.notification(), AbortSignal.timeout(10_000), patience.signal);
    expect([outcome.kind, on.taken().length]).toEqual(['sent', 1]);
  });

  test.each(garbage)('answering %j, it has not sent, and recovers', async (words) => {
    const on = await standUp();
    on.network.be({ garbage: words });
    expect((await send(on, on.notification(), 3_000)).kind).toBe(silence);
    await expectRecovery(on);
  });

  test('dripping, it is waited for while there is time', async () => {
    const on = await standUp();
    on.network.be({ dripMs: 1 });
    expect(await send(on, on.notification())).toMatchObject({ kind: 'sent' });
  });

  test('dripping for too long, it comes to an end when the time is up', async () => {
    const on = await standUp();
    on.network.be({ dripMs: 100 });
    const startedAt = Date.now();
    expect((await send(on, on.notification(), TIME_MS)).kind).toBe(silence);
    expect(Date.now() - startedAt).toBeLessThan(TIME_MS + GRACE_MS);
    await expectRecovery(on);
  });

  test.each([
    [
      'cut',
      (on: Stand): void => {
        on.network.reset();
      },
    ],
    [
      'silent',
      (on: Stand): void => {
        on.network.be({ loseDownstream: true });
      },
    ],
    [
      'answering nonsense',
      (on: Stand): void => {
        on.network.be({ garbage: '\0nonsense\r\n' });
      },
    ],
  ])(
    '%s once it took the message, nobody knows: ambiguous, and never handed to another',
    async (_how, act) => {
      const on = await standUp();
      on.beforeAnswer(() => {
        act(on);
      });
      expect((await send(on, on.notification(), TIME_MS)).kind).toBe('ambiguous');
      expect(on.taken()).toHaveLength(1);
      await expectRecovery(on);
    },
  );

  test('told to stop before it began, it hands nothing over', async () => {
    const on = await standUp();
    const outcome = await on.provider.send(on.notification(), AbortSignal.abort());
    expect(outcome.kind).not.toBe('sent');
    expect(on.taken()).toEqual([]);
  });
});
