import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SERVICES } from '../../infra/local/fleet.ts';
import { API_KEY } from '../support/fleet.ts';
import { startLocalFleet, type LocalFleet } from '../support/local-fleet.ts';
import { peerProgram } from '../support/peers.ts';
import { runProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

const promtool = peerProgram('promtool') ?? '';

describe.skipIf(promtool === '')('promtool', () => {
  let fleet: LocalFleet;

  beforeAll(async () => {
    fleet = await startLocalFleet();
    // So that there is something to count.
    const mail = { user_id: 'u1', type: 'email', email: 'ada@example.org', message: 'Hello' };
    const { json } = await fleet.call('POST', '/v1/notifications', mail);
    await until(async () => {
      const { json: found } = await fleet.call('GET', `/v1/notifications/${String(json.id)}`);
      return found.status === 'sent';
    });
  });
  afterAll(() => fleet.stop());

  /** The metrics of a process; undefined where it has none. */
  async function metricsOf(service: string): Promise<string | undefined> {
    const url = new URL('/metrics', fleet.readiness()[service]);
    const response = await fetch(url, { headers: { authorization: `Bearer ${API_KEY}` } });
    const text = await response.text();
    return response.ok ? text : undefined;
  }

  test('has no complaint about the metrics of any process that has some', async () => {
    const complaints: Record<string, string> = {};
    for (const service of SERVICES) {
      const metrics = await metricsOf(service);
      if (metrics === undefined) continue;
      const { code, stdout, stderr } = await runProgram(promtool, ['check', 'metrics'], { input: metrics });
      complaints[service] = code === 0 ? `${stdout}${stderr}` : `code ${code}: ${stderr}`;
    }
    expect(complaints).toMatchObject({ producer: '' });
    expect(Object.values(complaints).join('')).toBe('');
  });
});
