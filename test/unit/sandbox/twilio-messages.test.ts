import { expect, test } from 'vitest';
import { acceptedText, messageResource } from '../../../infra/local/sandbox/twilio-message.ts';
import { refusalOf } from '../../../infra/local/sandbox/twilio-refusals.ts';

const fine = { To: '+4915112345678', From: '+15005550006', Body: 'Code 1234' };

test.each([
  ['160 GSM characters', 'a'.repeat(160), '1'],
  ['161 GSM characters', 'a'.repeat(161), '2'],
  ['306 GSM characters', 'a'.repeat(306), '2'],
  ['307 GSM characters', 'a'.repeat(307), '3'],
  ['80 euro signs, two septets each', '€'.repeat(80), '1'],
  ['81 euro signs', '€'.repeat(81), '2'],
  ['70 Cyrillic letters', 'ж'.repeat(70), '1'],
  ['71 Cyrillic letters', 'ж'.repeat(71), '2'],
  ['one emoji among 69 letters', `${'a'.repeat(69)}🙂`, '2'],
])('%s are counted as Twilio does', (_what, Body, segments) => {
  expect(messageResource(acceptedText({ ...fine, Body }), 'AC1')).toMatchObject({ num_segments: segments });
});
test('the resource has an SID and dates of Twilio’s shape', () => {
  const resource = messageResource(acceptedText(fine), 'AC1');
  expect(resource.sid).toMatch(/^SM[0-9a-f]{32}$/);
  expect(resource.date_created).toMatch(/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$/);
});
test('by a messaging service, it is accepted and has no sender yet', () => {
  const { To, Body } = fine;
  expect(refusalOf({ To, Body, MessagingServiceSid: 'MG1' })).toBeUndefined();
  expect(messageResource(acceptedText({ To, Body, MessagingServiceSid: 'MG1' }), 'AC1')).toMatchObject({
    from: null,
    messaging_service_sid: 'MG1',
    status: 'accepted',
  });
});
test.each([
  ['without To', { To: undefined }, 21604],
  ['without From', { From: undefined }, 21603],
  ['without Body', { Body: '' }, 21602],
  ['with 1 601 characters', { Body: 'a'.repeat(1_601) }, 21617],
  ['to something that is no number', { To: '12345' }, 21211],
  ['from something that is no sender', { From: '+1 500' }, 21606],
  ['from a word that JavaScript knows', { From: '__proto__' }, 21606],
  ['from +15005550001', { From: '+15005550001' }, 21212],
  ['from +15005550007', { From: '+15005550007' }, 21606],
  ['from +15005550008', { From: '+15005550008' }, 21611],
])('%s is refused', (_what, change, code) => {
  expect(refusalOf({ ...fine, ...change })).toMatchObject({ status: 400, code });
});
test.each(['+15005550006', '12345', 'Tidings'])('from %s is taken', (From) => {
  expect(refusalOf({ ...fine, From, Body: 'a'.repeat(1_600) })).toBeUndefined();
});
