import { beforeEach, expect, test } from 'vitest';
import { RatesLog, latencyQuantile, ratesOf, slowestOf } from '../../../shared/store/index.ts';
import { TestStore } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const store = new TestStore();
let rates: RatesLog;
const at = (time: string) => new Date(`2031-01-01T${time}Z`);

beforeEach(async () => {
  rates = new RatesLog(store.db);
  await store.db.collection('rates').deleteMany({});
});

test('entries of the journal are summed by minute and hour, channel, and what they mean', async () => {
  await rates.add([
    { wallTime: at('10:00:01'), type: 'email', status: 'pending' },
    { wallTime: at('10:00:59'), type: 'email', status: 'scheduled' },
    { wallTime: at('10:01:00'), moved: 'email pending sending' },
    { wallTime: at('10:01:01'), moved: 'email sending sent 12' },
    { wallTime: at('10:01:02'), moved: 'email sending sent 3600001' },
    { wallTime: at('10:01:03'), moved: 'sms sending failed' },
    { wallTime: at('11:00:00'), moved: 'sms failed failed_permanently' },
    { wallTime: at('11:00:00'), moved: 'sms failed_permanently gone 2' },
    { wallTime: at('11:00:00'), moved: 'sms sent delivered' },
    { wallTime: at('11:00:00'), moved: 'sms outcome_unknown bounced' },
    { wallTime: at('11:00:00'), ambiguous: 1 },
  ]);
  // More of the same minute adds to it.
  await rates.add([{ wallTime: at('10:01:30'), moved: 'email outcome_unknown sent' }]);
  // Written without waiting for a majority, and read with it.
  const byMinute = await until(async () => {
    const found = await rates.since('minute', at('10:00:00'));
    return found.some(({ channels }) => channels.email?.sent === 3) && found;
  });
  const took = { took: { '12': 1, '3700000': 1 }, slowest_ms: 3_600_001 };
  expect(byMinute.map(({ at: time, channels }) => [time.toISOString().slice(11, 16), channels])).toEqual([
    ['10:00', { email: { accepted: 2 } }],
    ['10:01', { email: { sent: 3, ...took }, sms: { failed: 1 } }],
    ['11:00', { sms: { dead: 1, delivered: 1, bounced: 1 } }],
  ]);
  const byHour = await rates.since('hour', at('10:00:00'));
  expect(byHour.map((one) => ratesOf(one, 'email'))).toEqual([[{ accepted: 2, sent: 3, ...took }], []]);
  expect(await rates.since('minute', at('11:00:01'))).toEqual([]);
});

test('the slowest of a minute stays, whatever comes after it, and bounds what the charts say', async () => {
  await rates.add([{ wallTime: at('10:00:01'), moved: 'email sending sent 150200' }]);
  const alone = await until(async () => (await rates.since('minute', at('10:00:00')))[0]);
  expect([0.5, 0.95].map((share) => latencyQuantile(ratesOf(alone), share))).toEqual([150_200, 150_200]);
  await rates.add([{ wallTime: at('10:00:02'), moved: 'email sending sent 174' }]);
  const both = await until(async () => {
    const [found] = await rates.since('minute', at('10:00:00'));
    return found?.channels.email?.sent === 2 && found;
  });
  expect(slowestOf(ratesOf(both))).toBe(150_200);
  expect(latencyQuantile(ratesOf(both), 0.5)).toBe(180);
});
