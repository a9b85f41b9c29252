import type { Request, Response } from 'express';
import { CHANNEL_NAMES, listQuerySchema, viewOf, type Presence } from '../../../shared/contracts/index.ts';
import { readiness } from '../../../shared/runtime/health.ts';
import { listNotifications } from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import { render } from './pages.ts';

/** The services that a whole fleet has, in the order of a notification's way. */
const SERVICES = ['producer', ...CHANNEL_NAMES, 'scheduler'] as const;

/** One line of the health list: what it is, whether it works, and what is wrong in words. */
interface Health {
  name: string;
  isOk: boolean;
  words: string;
}

/** The start page: is it healthy, what happened last, and the ways on. */
export function homePage(context: ProducerContext) {
  return async function showHome(_request: Request, response: Response): Promise<void> {
    const [own, running, latest] = await Promise.all([
      readiness(context.checks),
      context.presences.running(),
      listNotifications(context.notifications, listQuerySchema.parse({ limit: 10 })),
    ]);
    const servers = Object.entries(own.checks).map(([name, result]): Health => {
      const words = result.ok ? 'works' : `does not work: ${result.detail}`;
      return { name: SERVER_NAMES[name] ?? name, isOk: result.ok, words };
    });
    const health = [...SERVICES.map((service) => healthOf(service, running)), ...servers];
    await render(response, 'home', {
      title: 'Tidings',
      // What is wrong stands first.
      health: health.sort((a, b) => Number(a.isOk) - Number(b.isOk)),
      notifications: latest.records.map(viewOf),
    });
  };
}

const SERVER_NAMES: Readonly<Record<string, string>> = {
  mongodb: 'MongoDB',
  rabbitmq: 'RabbitMQ',
  policies: 'RabbitMQ’s policies',
};

const SERVICE_NAMES: Readonly<Record<(typeof SERVICES)[number], string>> = {
  producer: 'Producer',
  email: 'E-mail consumer',
  sms: 'SMS consumer',
  in_app: 'In-app consumer',
  scheduler: 'Scheduler',
};

function healthOf(service: (typeof SERVICES)[number], running: readonly Presence[]): Health {
  const name = SERVICE_NAMES[service];
  const processes = running.filter((one) => one.service === service);
  if (processes.length === 0)
    return {
      name,
      isOk: false,
      words: 'does not run, or cannot reach MongoDB: nothing was heard of it lately',
    };
  const troubles = [...new Set(processes.flatMap((one) => one.troubles))];
  const count = processes.length === 1 ? '' : `, ${processes.length} of them`;
  if (troubles.length === 0) return { name, isOk: true, words: `works${count}` };
  return { name, isOk: false, words: troubles.join('; ') };
}
