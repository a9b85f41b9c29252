import { expect, test } from 'vitest';
import { startCommand } from '../../support/command.ts';

/** A service by itself, as a container runs it. */
const start = (service: string, env: Record<string, string>) =>
  startCommand([`dist/services/${service}/main.js`], {
    ...process.env,
    SMTP_URL: 'smtp://127.0.0.1:1',
    ...env,
  });

test.each([
  [
    'email',
    { EMAIL_PROVIDERS: 'smtp,bogus,smtp_backup' },
    ['no provider bogus', 'SMTP_BACKUP_URL: is needed'],
  ],
  ['sms', { SMS_PROVIDERS: 'sms_gateway' }, ['SMS_GATEWAY_FROM: is needed beside SMTP_URL']],
  ['producer', { API_KEY: '' }, ['API_KEY: is needed']],
  ['scheduler', { RETRY_DELAYS: 'soon' }, ['RETRY_DELAYS: must be']],
])(
  'the %s that its settings keep from starting says so, a line for each, and ends with a code of its own',
  async (service, env, said) => {
    const command = start(service, { LOG_LEVEL: 'info', LOG_FORMAT: 'json', ...env });
    expect({ code: await command.ended, output: command.output() }).toMatchObject({ code: 78 });
    for (const words of said) expect(command.output()).toContain(words);
    expect(command.output()).not.toMatch(/"error":|stack|at \S+ \(/);
  },
);
