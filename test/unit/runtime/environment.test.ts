import { expect, test } from 'vitest';
import { dataDirOf } from '../../../infra/local/environment.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { setIn } from '../../../shared/runtime/environment.ts';

test('an empty variable counts as not set', () => {
  expect(setIn({ A: '', B: ' ', C: undefined, D: ' x ', E: '0' })).toEqual({ B: ' ', D: ' x ', E: '0' });
});

test('an empty setting is its default', () => {
  const value = '';
  const env = { RABBITMQ_URL: value, RABBITMQ_MANAGEMENT_URL: value, MONGO_URI: value, API_KEY: value };
  expect(readConfig({ ...env, HOST: value, LOG_FORMAT: value })).toEqual(readConfig({}));
});

test.each(['API_KEY', 'TWILIO_AUTH_TOKEN', 'RABBITMQ_URL', 'HOST'])(
  '%s of blanks alone is refused',
  (name) => {
    expect(() => readConfig({ [name]: '  ' })).toThrow(new RegExp(`${name}: must`));
  },
);

test('an empty TIDINGS_DATA_DIR is the folder of data, not the clone itself', () => {
  expect(dataDirOf('/clone', { TIDINGS_DATA_DIR: '' })).toBe('/clone/.data');
  expect(dataDirOf('/clone', { TIDINGS_DATA_DIR: 'elsewhere' })).toBe('/clone/elsewhere');
});
