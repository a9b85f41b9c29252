import { z } from 'zod';

/** What npm's JSON says when the registry answered. */
const reportSchema = z.object({
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string() })),
  metadata: z.object({ dependencies: z.object({ prod: z.int() }) }),
});
/** From here on it fails. */
const SEVERE = ['high', 'critical'];

/** What an audit found, in words; where the registry has no endpoint for it, that it was skipped. */
export function verdictOf(json: string): { isFailed: boolean; words: string } {
  const report = reportSchema.safeParse(parsed(json));
  if (!report.success)
    return { isFailed: false, words: '· skipped: the registry of this machine answers no audit' };
  const { vulnerabilities, metadata } = report.data;
  const severe = Object.entries(vulnerabilities).filter(([, { severity }]) => SEVERE.includes(severity));
  const named = severe.map(([name, { severity }]) => `${name} (${severity})`).join(', ');
  const words = `· ${metadata.dependencies.prod} packages ship; vulnerabilities high or above: ${named || 'none known'}`;
  return { isFailed: severe.length > 0, words };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
