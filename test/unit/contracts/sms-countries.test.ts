import { describe, expect, test } from 'vitest';
import { SmsCountries } from '../../../shared/contracts/index.ts';

describe('The countries that SMS go to', () => {
  test.each([
    ['+442079460018', '+447797712345', 'is in JE', 'GB,JE'],
    ['+442079460018', '+447781123456', 'is in GG', 'GB,GG'],
    ['+442079460018', '+447624123456', 'is in IM', 'GB,IM'],
    ['+12025550123', '+17872345678', 'is in PR', 'US,PR'],
    ['+12025550123', '+14165550123', 'is in CA', 'US,CA'],
    ['+12025550123', '+18765550123', 'is in JM', 'US,JM'],
    ['+12025550123', '+442079460018', 'is in GB', 'US,GB'],
  ])('from %s to %s: the refusal names the value that opens it', (sender, phone, words, value) => {
    const refusal = new SmsCountries({ list: undefined, sender }).refusalOf(phone) ?? '';
    expect(refusal).toContain(words);
    expect(refusal).toContain(`set SMS_COUNTRIES=${value},`);
    expect(new SmsCountries({ list: value, sender }).refusalOf(phone)).toBeUndefined();
    expect(new SmsCountries({ list: value, sender }).refusalOf(sender)).toBeUndefined();
  });

  test('keep those of the list in the value', () => {
    const countries = new SmsCountries({ list: 'FR, DE', sender: '+442079460018' });
    expect(countries.refusalOf('+447797712345')).toContain('SMS_COUNTRIES=FR,DE,JE');
  });

  test('are every one by the value for a number of no country', () => {
    const countries = new SmsCountries({ list: 'US', sender: undefined });
    expect(countries.refusalOf('+80012345678')).toContain('SMS_COUNTRIES=*,');
  });
});
