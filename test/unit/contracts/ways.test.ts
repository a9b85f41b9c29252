import { describe, expect, test } from 'vitest';
import {
  CARRIERS,
  Carriers,
  beyondGsm,
  gatewayParts,
  isCarrierList,
  providerRouteOf,
} from '../../../shared/contracts/index.ts';
import { Ways } from '../../../services/producer/accept/ways.ts';
import { readConfig } from '../../../shared/runtime/config.ts';

describe('an order of providers', () => {
  test.each([
    ['smtp', [['smtp', undefined]]],
    [
      'smtp, smtp_backup',
      [
        ['smtp', undefined],
        ['smtp_backup', undefined],
      ],
    ],
    [
      'a=3,b=1,c',
      [
        ['a', 3],
        ['b', 1],
        ['c', undefined],
      ],
    ],
  ])('%s', (text, route) => {
    expect(providerRouteOf(text)?.map(({ name, weight }) => [name, weight])).toEqual(route);
  });
  test.each(['', 'a,', 'a,a', 'a=0', 'a=1000', 'a,b=2', 'A', 'a b', 'a=1=2'])('%j is none', (text) => {
    expect(providerRouteOf(text)).toBeUndefined();
    expect(() => readConfig({ EMAIL_PROVIDERS: text || ' ' })).toThrow(/EMAIL_PROVIDERS: must be names/);
  });
});

describe('carriers', () => {
  const carriers = new Carriers({
    own: 'acme=sms.acme.example,att=new.att.example,bcme:DE=sms.bcme.example',
  });
  const us = '+12025550123';

  test.each([
    ['of the list, by the number as its country writes it', 'us_cellular', us, '2025550123@email.uscc.net'],
    ['of one’s own, by the whole number', 'acme', us, '12025550123@sms.acme.example'],
    ['of one’s own with a country', 'bcme', '+4915112345678', '15112345678@sms.bcme.example'],
    ['of the list, with a domain of one’s own', 'att', us, '12025550123@new.att.example'],
  ])('%s', (_what, carrier, phone, address) => {
    expect(carriers.addressOf({ phone, carrier })).toBe(address);
  });
  test.each([
    [undefined, us, 'carrier_missing', /no SMS_GATEWAY_DEFAULT_CARRIER/],
    ['nobody', us, 'carrier_unknown', /must be one of acme, .*us_cellular/],
    ['rogers', us, 'carrier_closed', /closed its gateway on 2023-07-01/],
    ['us_cellular', '+447400123456', 'carrier_country', /is in GB, .* takes numbers in US only/],
    ['us_cellular', '+16045550123', 'carrier_country', /is in CA/],
  ])('%s for %s is refused: %s', (carrier, phone, code, reason) => {
    expect(carriers.addressOf({ phone, carrier })).toMatchObject({
      code,
      reason: expect.stringMatching(reason) as string,
    });
  });
  test('the list has domains, countries and days', () => {
    for (const { domain, country, closed } of Object.values(CARRIERS)) {
      expect(domain).toMatch(/^[a-z0-9.-]+\.[a-z]+$/);
      expect(country).toMatch(/^(US|CA)$/);
      expect(closed ?? '2000-01-01').toMatch(/^\d{4}-\d\d-\d\d$/);
    }
  });
  test.each(['acme', 'acme=', 'acme=host', 'acme:XX=sms.acme.example', 'Acme=sms.acme.example', 'a=b.c,'])(
    '%j is no list of one’s own',
    (text) => {
      expect(isCarrierList(text)).toBe(false);
    },
  );
  test('a carrier by default that has closed its gateway keeps no service from starting', () => {
    const config = readConfig({ SMS_GATEWAY_DEFAULT_CARRIER: 'rogers' });
    const byDefault = new Carriers({ byDefault: config.SMS_GATEWAY_DEFAULT_CARRIER });
    expect(byDefault.addressOf({ phone: us })).toMatchObject({ code: 'carrier_closed' });
  });
  test('a carrier by default must be there', () => {
    expect(() => readConfig({ SMS_GATEWAY_DEFAULT_CARRIER: 'nobody' })).toThrow(
      /DEFAULT_CARRIER: must be one of/,
    );
  });
});

describe('the parts of a text', () => {
  test.each([
    ['160 characters are one, as they are', 'a'.repeat(160), [160]],
    ['161 are two', 'a'.repeat(161), [160, 9]],
    ['81 that take two septets each are two', '€'.repeat(81), [4 + 78, 4 + 3]],
    ['1 600 are eleven, whose numbers take six', 'a'.repeat(1_600), [...Array<number>(9).fill(159), 160, 66]],
  ])('%s', (_what, text, lengths) => {
    const parts = gatewayParts(text);
    expect(parts.map((part) => Array.from(part).length)).toEqual(lengths);
    const words = parts.map((part) => (parts.length === 1 ? part : part.replace(/^\d+\/\d+ /, '')));
    expect(words.join('')).toBe(text);
  });
  test('say which of how many they are', () => {
    expect(gatewayParts('a'.repeat(161)).map((part) => part.slice(0, 4))).toEqual(['1/2 ', '2/2 ']);
  });
  test('what no plain text carries is named', () => {
    expect(beyondGsm('Grüße für 5 € ж🙂ж')).toEqual(['ж', '🙂']);
  });
});

describe('the way that a request chooses', () => {
  const phone = '+12025550123';
  const gateway = { SMTP_URL: 'smtp://m', MAIL_FROM: 'a@example.org', SMS_GATEWAY_FROM: 'sms@example.org' };
  const both = new Ways(readConfig({ ...gateway, SMS_PROVIDERS: 'twilio,sms_gateway' }));
  const only = new Ways(readConfig({ ...gateway, SMS_PROVIDERS: 'sms_gateway' }));
  const sms = { type: 'sms', phone, message: 'Hello' } as const;

  test.each([
    ['no carrier, with another way', both, sms, []],
    ['no carrier, and no other way', only, sms, ['carrier']],
    ['no carrier, and the gateway by choice', both, { ...sms, via: 'sms_gateway' }, ['carrier']],
    ['a carrier', only, { ...sms, carrier: 'us_cellular' }, []],
    ['a carrier that nobody knows, though there is another way', both, { ...sms, carrier: 'x' }, ['carrier']],
    ['a number abroad', both, { ...sms, phone: '+447911123456', carrier: 'us_cellular' }, ['phone']],
    ['an emoji, and no other way', only, { ...sms, carrier: 'us_cellular', message: '🙂' }, ['message']],
    ['an emoji, with another way', both, { ...sms, carrier: 'us_cellular', message: '🙂' }, []],
    ['a provider of another channel', both, { ...sms, via: 'smtp' }, ['via']],
  ])('%s', (_what, ways, request, fields) => {
    expect(ways.errorsOf(request).map(({ field }) => field)).toEqual(fields);
  });
});
