import PostalMime from 'postal-mime';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { aKey } from '../../support/api-client.ts';
import { API_KEY } from '../../support/fleet.ts';
import { askByPython, calendarsByPython, type Told } from '../../support/grpc-peer.ts';
import { MailFleet } from '../../support/mail-fleet.ts';
import { until } from '../../support/until.ts';

/** Meetings with an id of their caller: moved, canceled and scheduled again. */
let fleet: MailFleet;
let address: string;

beforeAll(async () => {
  fleet = await MailFleet.start(
    { GRPC_PORT: '0', MAIL_FROM: 'Tidings <hello@tidings.example>' },
    { scheduler: true },
  );
  address = `127.0.0.1:${fleet.producer.grpcPort}`;
});
beforeEach(() => {
  fleet.sandbox.mailbox.clear();
});
afterAll(async () => {
  await fleet.stop();
});

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;
const meeting = (empid: string, more: object = {}) => ({
  request: {
    ...{ empid, emailID: `${empid}@example.org`, message: 'Chat with Mindi', empName: 'John Doe' },
    ...{ timestamp: inSeconds(0), meeting_id: 'm1', ...more },
  },
  key: API_KEY,
});
const canceling = (empid: string, meeting_id = 'm1', key = API_KEY) => ({
  method: 'CancelMeet',
  request: { empid, meeting_id },
  key,
});

async function ask(...asked: object[]): Promise<string[]> {
  const told = await askByPython(address, asked);
  return told.map((one: Told) => one.response?.job_id ?? one.code ?? '');
}
const statusOf = async (_id = '') => (await fleet.notifications.findOne({ _id }))?.status;
const sent = (id = '') => until(async () => (await statusOf(id)) === 'sent');

/** What the calendar of a person is told, in the order of the mails. */
async function toldTo(empid: string): Promise<Record<string, unknown>[]> {
  const mails = fleet.sandbox.mailbox
    .mails()
    .filter(({ envelope }) => envelope.to[0] === `${empid}@example.org`);
  const files = await Promise.all(
    mails.map(async ({ raw }) => {
      const { subject, attachments } = await PostalMime.parse(raw);
      return { subject, text: Buffer.from(attachments.at(-1)?.content as ArrayBuffer).toString() };
    }),
  );
  const entries = await calendarsByPython(files.map(({ text }) => text));
  return entries
    .map((entry, index) => ({ ...entry, subject: files[index]?.subject }))
    .sort((one, other) => Number(Reflect.get(one, 'sequence')) - Number(Reflect.get(other, 'sequence')));
}

describe('A meeting with an id', () => {
  test('is moved: the earlier invitation is replaced in the calendar by one with the same UID', async () => {
    const first = meeting('moved');
    const [id] = await ask(first);
    await sent(id);
    const later = inSeconds(3_600);
    const [moved, again] = await ask(
      meeting('moved', { timestamp: later }),
      meeting('moved', { timestamp: later }),
    );
    expect(moved).not.toBe(id);
    expect(again).toBe(moved);
    // Who has the earlier invitation learns of the change at once, not when the meeting begins.
    await sent(moved);
    const [one, other] = await toldTo('moved');
    expect(one).toMatchObject({ method: 'REQUEST', sequence: 0, subject: 'Invitation: Chat with Mindi' });
    expect(other).toMatchObject({
      ...{ method: 'REQUEST', sequence: 1, uid: one?.uid, startsAt: later },
      subject: 'Updated invitation: Chat with Mindi',
    });
  });

  test('that was not sent yet is moved without a second mail', async () => {
    const [id, moved] = await ask(meeting('early', { timestamp: inSeconds(3_600) }), meeting('early'));
    await sent(moved);
    expect(await statusOf(id)).toBe('canceled');
    expect(await toldTo('early')).toMatchObject([{ sequence: 1 }]);
  });

  test('is canceled by a mail that takes it out of the calendar, once', async () => {
    const [id] = await ask(meeting('gone'));
    await sent(id);
    const [canceled, again] = await ask(canceling('gone'), canceling('gone'));
    expect(again).toBe(canceled);
    await sent(canceled);
    const [one, other, ...more] = await toldTo('gone');
    expect(more).toEqual([]);
    expect(other).toMatchObject({
      ...{ method: 'CANCEL', status: 'CANCELLED', sequence: 1, uid: one?.uid, startsAt: one?.startsAt },
      ...{ subject: 'Canceled: Chat with Mindi', attendee: ['John Doe', 'mailto:gone@example.org'] },
    });
  });

  test('that was not sent yet is canceled without a mail', async () => {
    const [id] = await ask(meeting('quiet', { timestamp: inSeconds(3_600) }));
    expect(await ask(canceling('quiet'), canceling('quiet'))).toEqual([id, id]);
    expect(await statusOf(id)).toBe('canceled');
    expect(await fleet.notifications.countDocuments({ user_id: 'quiet' })).toBe(1);
  });

  test('is scheduled again after it was canceled', async () => {
    const one = meeting('again');
    const [id] = await ask(one);
    await sent(id);
    const [canceled, anew] = await ask(canceling('again'), one);
    expect(new Set([id, canceled, anew]).size).toBe(3);
    await sent(anew);
    await sent(canceled);
    const entries = await toldTo('again');
    expect(entries.map(({ method, sequence }) => [method, sequence])).toEqual([
      ['REQUEST', 0],
      ['CANCEL', 1],
      ['REQUEST', 2],
    ]);
    expect(new Set(entries.map(({ uid }) => uid)).size).toBe(1);
  });

  test('is one mail, however many calls ask for it at once', async () => {
    const one = meeting('crowd', { timestamp: inSeconds(3_600) });
    const ids = (await Promise.all([ask(one, one), ask(one), ask(one)])).flat();
    expect(new Set(ids).size).toBe(1);
  });

  test('changed by several calls at once gets a version for each, and keeps the last', async () => {
    const calls = [1, 2, 3].map((hour) => ask(meeting('race', { timestamp: inSeconds(3_600 * hour) })));
    expect(new Set((await Promise.all(calls)).flat()).size).toBe(3);
    const waiting = await fleet.notifications.countDocuments({ user_id: 'race', status: 'scheduled' });
    expect(waiting).toBe(1);
  });

  test('is another one for another person, another id or another key', async () => {
    const other = await aKey(fleet.producer, ['send']);
    const one = meeting('mine', { timestamp: inSeconds(3_600) });
    const ids = await ask(one, meeting('mine', { timestamp: inSeconds(3_600), meeting_id: 'm2' }), {
      ...one,
      key: other.key,
    });
    expect(new Set(ids).size).toBe(3);
    expect(await ask(canceling('nobody'), canceling('mine', 'm3'), canceling('mine', ''))).toEqual([
      'NOT_FOUND',
      'NOT_FOUND',
      'INVALID_ARGUMENT',
    ]);
    const reader = await aKey(fleet.producer, ['read']);
    expect(await ask(canceling('mine', 'm1', reader.key))).toEqual(['PERMISSION_DENIED']);
    expect(await statusOf(ids[0])).toBe('scheduled');
    await ask(canceling('mine', 'm1', other.key));
    expect([await statusOf(ids[0]), await statusOf(ids[2])]).toEqual(['scheduled', 'canceled']);
  });
});
