import { Option, type Command } from 'commander';
import type { z } from 'zod';
import { SCOPES } from '../../../shared/contracts/index.ts';
import { keyAnswer, keysAnswer, newKeyAnswer } from '../api/answers.ts';
import type { Call } from '../api/client.ts';
import type { Acting, Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import { gathered, wholeFrom } from '../options.ts';
import { SecretFile } from '../secret-file.ts';
import { confirm } from '../terminal/ask.ts';
import { printTable } from '../terminal/table.ts';

interface CreateOptions {
  scope: string[];
  expiresAt?: string;
  allowFrom?: string[];
  perSecond?: number;
  bytesPerSecond?: number;
  out?: string;
}

interface RotateOptions {
  graceSeconds: number;
  out?: string;
}

/** `tidings keys list|create|rotate|revoke` */
export function addKeys(program: Command, acts: Acting): void {
  const keys = program
    .command('keys')
    .summary('keys of the API: list, create, rotate, revoke')
    .description('Keys of the API, one for each program. All of this needs the scope admin.');
  keys.command('list').description('Lists all keys, newest first.').action(acts(listKeys));
  withOut(
    keys
      .command('create')
      .description('Makes a key and prints it, this once: nothing but the key to stdout.'),
  )
    .argument('<name>', 'what it is for, such as "shop checkout"')
    .addOption(new Option('-s, --scope <scope...>', 'what it may do').choices(SCOPES).makeOptionMandatory())
    .option('--expires-at <time>', 'it opens nothing from then on, such as 2030-01-31T09:00:00Z')
    .option(
      '--allow-from <address>',
      'it works from this address or block only; may come several times',
      gathered,
    )
    .option('--per-second <number>', 'requests per second that it may send', wholeFrom(1, 100_000))
    .option(
      '--bytes-per-second <number>',
      'bytes per second that it may send',
      wholeFrom(1_024, 1_073_741_824),
    )
    .action(acts(createKey));
  withOut(keys.command('rotate').description('Gives a key another secret and prints it, this once.'))
    .argument('<id>', 'id of the key')
    .option('--grace-seconds <number>', 'how long the old secret works on', wholeFrom(0, 604_800), 0)
    .action(acts(rotateKey));
  keys
    .command('revoke')
    .description('Revokes a key for good.')
    .argument('<id>', 'id of the key')
    .option('-y, --yes', 'do it without asking')
    .action(acts(revokeKey));
}

function withOut(command: Command): Command {
  return command.option(
    '-o, --out <file>',
    'write the key to a new file that only you can read, and not to the screen',
  );
}

async function listKeys(context: Context): Promise<Exit> {
  const { output, isJson } = context;
  const { keys } = await context.api().call(keysAnswer, { method: 'GET', path: '/v1/keys' });
  if (isJson) for (const key of keys) output.json(key);
  else
    printTable(
      output,
      ['ID', 'NAME', 'STATE', 'SCOPES', 'CREATED', 'LAST USED'],
      keys.map((key) => [
        key.id,
        key.name,
        key.state,
        key.scopes.join(','),
        key.created_at,
        key.last_used_at,
      ]),
    );
  return 'done';
}

async function createKey(context: Context, options: CreateOptions, name: string): Promise<Exit> {
  const body = {
    name,
    scopes: options.scope,
    expires_at: options.expiresAt,
    allow_from: options.allowFrom,
    per_second: options.perSecond,
    bytes_per_second: options.bytesPerSecond,
  };
  return handOut(context, { method: 'POST', path: '/v1/keys', body }, options.out);
}

async function rotateKey(context: Context, { graceSeconds, out }: RotateOptions, id: string): Promise<Exit> {
  const path = `/v1/keys/${encodeURIComponent(id)}/rotate`;
  return handOut(context, { method: 'POST', path, body: { grace_seconds: graceSeconds } }, out);
}

async function revokeKey(context: Context, { yes }: { yes?: true }, id: string): Promise<Exit> {
  const { output, isJson } = context;
  await confirm(output, `The key ${id} will open nothing any more, for good.`, yes === true);
  const call = { method: 'DELETE' as const, path: `/v1/keys/${encodeURIComponent(id)}` };
  const revoked = await context.api().call(keyAnswer, call);
  if (isJson) output.json(revoked);
  else output.print(`${revoked.id}  ${revoked.state}`);
  return 'done';
}

/**
 * Has a secret made and gives it to whoever asked for it: alone on stdout, so that it can be passed on; or into a file, so that no screen shows
 * it. The file is there before the call: the API says a secret once, and one that cannot be written would be lost.
 */
async function handOut(context: Context, call: Call, out: string | undefined): Promise<Exit> {
  const api = context.api();
  const file = out === undefined ? undefined : SecretFile.begin(out);
  const made = await api.call(newKeyAnswer, call).catch((thrown: unknown) => {
    file?.discard();
    throw thrown;
  });
  file?.finish(made.key);
  show(context, made, file !== undefined);
  return 'done';
}

function show(
  { output, isJson }: Context,
  { key, ...rest }: z.output<typeof newKeyAnswer>,
  isWritten: boolean,
): void {
  const until =
    rest.previous_until === undefined ? '' : ` The one before works on until ${rest.previous_until}.`;
  output.say(`Key ${rest.id}, ${rest.name}: ${rest.scopes.join(', ')}. It is not shown again.${until}`);
  if (isJson) output.json(isWritten ? rest : { ...rest, key });
  else if (!isWritten) output.print(key);
}
