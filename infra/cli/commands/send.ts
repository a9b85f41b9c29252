import { text } from 'node:stream/consumers';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { CHANNEL_NAMES, LANES } from '../../../shared/contracts/index.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import { attachmentsOf } from '../attachments.ts';
import { acceptedAnswer } from '../api/answers.ts';
import type { ApiClient } from '../api/client.ts';
import type { Acting, Context } from '../context.ts';
import { usageError, type Exit } from '../exit.ts';
import { gathered, wholeFrom } from '../options.ts';
import { completed, dataOf, errorsOf, type Fields } from '../request.ts';
import { sendFile, type FileOptions } from '../csv/send-file.ts';
import { follow } from './follow.ts';

/** What can be said of a notification: the options that are fields of the request. */
interface FieldOptions {
  user?: string;
  type?: string;
  email?: string;
  phone?: string;
  carrier?: string;
  via?: string;
  subject?: string;
  message?: string;
  html?: string;
  from?: string;
  replyTo?: string;
  data?: string;
  attach?: string[];
  lane?: string;
  sendAt?: string;
  expiresAt?: string;
  onAmbiguous?: string;
}

interface SendOptions extends FieldOptions, FileOptions {
  idempotencyKey?: string;
  wait?: true;
  timeout?: number;
  dryRun?: true;
}

/** `tidings send` */
export function addSend(program: Command, acts: Acting): void {
  const send = program
    .command('send')
    .summary('hand over a notification, or a CSV file of them')
    .description(
      'Hands over a notification: by e-mail with --email, by SMS with --phone, in-app with --user alone. With --csv a whole file of them.',
    )
    .argument('[words]', 'the message, instead of --message; - reads it from standard input');
  fieldOptions(send);
  send
    .optionsGroup('One:')
    .option('--attach <file>', 'a file that goes with the e-mail; may come several times', gathered)
    .option(
      '--idempotency-key <key>',
      'repeat with the same one and it is sent once; made by itself otherwise',
    )
    .option('-w, --wait', 'wait until it is sent, or will not be')
    .option('--timeout <seconds>', 'with --wait: no longer than this', wholeFrom(1, 1_000_000))
    .optionsGroup('A file:')
    .option('--csv <file>', 'a notification a row; the columns are named like the fields of the API')
    .option(
      '--delimiter <character>',
      'between two cells, or tab; otherwise found in the first line',
      delimiterFrom,
    )
    .option('--journal <file>', 'what was handed over is noted there (<csv>.tidings-journal)')
    .option('--skip-invalid', 'send the good rows, and write the others to <file>.rejects.csv')
    .option('--again', 'send the same file once more, to all of its rows')
    .option('--resume', 'of a file that was done and has changed since: its new and changed rows')
    .optionsGroup('Both:')
    .option('--dry-run', 'check everything, send nothing')
    .addHelpText('after', EXAMPLES)
    .action(acts(sendAny));
}

function fieldOptions(send: Command): void {
  send
    .optionsGroup('What and to whom (with --csv: for rows that do not say it):')
    .option('--email <address>', 'to this address')
    .option('--phone <number>', 'to this number, such as +12025550123')
    .option('-u, --user <user_id>', 'the person, as you name them; otherwise the address or number')
    .addOption(
      new Option('--type <type>', 'the channel, where it does not follow from the recipient').choices(
        CHANNEL_NAMES,
      ),
    )
    .option('-s, --subject <line>', 'subject or title')
    .option('-m, --message <words>', 'the text; - reads it from standard input')
    .option('--html <html>', 'the same as HTML, for e-mail')
    .option(
      '--from <mailbox>',
      'who sends the e-mail, of those that the fleet allows; otherwise its MAIL_FROM',
    )
    .option('--reply-to <address>', 'where answers to the e-mail go')
    .option('--carrier <name>', 'for SMS through a gateway: the carrier of the number')
    .option('--via <provider>', 'the one provider that is to carry it; otherwise the first that can')
    .option('--data <json>', 'your own data, a JSON object')
    .addOption(
      new Option('--lane <lane>', 'transactional is the default for one, bulk for a file').choices(LANES),
    )
    .option('--send-at <time>', 'not before this time, such as 2030-01-31T09:00:00Z')
    .option('--expires-at <time>', 'not after this time')
    .addOption(
      new Option('--on-ambiguous <act>', 'when nobody knows whether it arrived').choices(['retry', 'hold']),
    );
}

/** @throws InvalidArgumentError that says what it must be */
function delimiterFrom(text: string): string {
  if (['tab', '\\t'].includes(text)) return '\t';
  if (text.length === 1 && !/["\r\n]/.test(text)) return text;
  throw new InvalidArgumentError('It must be one character, such as ; or tab.');
}

const EXAMPLES = `
Examples:
  tidings send --email ada@example.org --subject Hi --message Hello --wait
  echo Hello | tidings send --phone +12025550123 -
  tidings send --csv people.csv --type email --subject News --message "We have moved"

A file is checked as a whole before anything is sent. What was handed over is noted beside it (<file>.tidings-journal), so that the same
command goes on after whatever has stopped it, and each row is accepted once.`;

async function sendAny(context: Context, options: SendOptions, words: string | undefined): Promise<Exit> {
  const fields = await fieldsOf(options, words);
  if (options.csv === undefined) return sendOne(context, fields, options);
  for (const [name, value] of Object.entries({
    wait: options.wait,
    attach: options.attach,
    'idempotency-key': options.idempotencyKey,
  }))
    if (value !== undefined) throw usageError(`--${name} is for one notification, not for --csv.`);
  return sendFile(context, { ...options, csv: options.csv, defaults: fields });
}

async function sendOne(context: Context, given: Fields, options: SendOptions): Promise<Exit> {
  const { output, isJson } = context;
  const fields = completed(given);
  const { idempotencyKey = newId() } = options;
  check(fields, idempotencyKey);
  if (options.dryRun) {
    output.json(fields);
    return 'done';
  }
  const api = context.api();
  // Before it is sent: with it the same can be sent again whatever happens now.
  output.say(`idempotency key ${idempotencyKey}`);
  const call = { method: 'POST' as const, path: '/v1/notifications', body: fields, idempotencyKey };
  const accepted = await api.call(acceptedAnswer, call);
  if (options.wait) return waitFor(context, api, accepted.id, options);
  if (isJson) output.json(accepted);
  else output.print(`${accepted.id}  ${accepted.status}`);
  return 'done';
}

function waitFor(context: Context, api: ApiClient, id: string, { timeout }: SendOptions): Promise<Exit> {
  return follow(context, api, { id, ...(timeout !== undefined && { timeout }) });
}

/** @throws CliError that names what needs another value */
function check(fields: Fields, idempotencyKey: string): void {
  if (fields.type === undefined)
    throw usageError('Say to whom: --email, --phone or --user; with several of them --type, too.');
  const errors = errorsOf(fields, idempotencyKey);
  if (!/^[\x20-\x7e]*$/.test(idempotencyKey))
    errors.push({ field: 'idempotency_key', message: 'must be ASCII: it goes into a header' });
  if (errors.length === 0) return;
  throw usageError(
    `Nothing was sent:${errors.map(({ field, message }) => `\n  ${field}: ${message}`).join('')}`,
  );
}

async function fieldsOf(options: FieldOptions, words: string | undefined): Promise<Fields> {
  if (words !== undefined && options.message !== undefined)
    throw usageError('The message came twice: as an argument, and as --message.');
  const said = words ?? options.message;
  const message = said === '-' ? (await text(process.stdin)).replace(/\r?\n$/, '') : said;
  const fields: Fields = {
    user_id: options.user,
    type: options.type,
    message,
    subject: options.subject,
    html: options.html,
    from: options.from,
    reply_to: options.replyTo,
    email: options.email,
    phone: options.phone,
    carrier: options.carrier,
    via: options.via,
    data: options.data === undefined ? undefined : dataOf(options.data),
    attachments: options.attach && attachmentsOf(options.attach),
    lane: options.lane,
    send_at: options.sendAt,
    expires_at: options.expiresAt,
    on_ambiguous: options.onAmbiguous,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
