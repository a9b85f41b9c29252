/** What a `RABBITMQ_URL` says: the nodes of one cluster, and the virtual host on it. */
export interface RabbitmqUrl {
  /** One address for each node, in the order in which they are written. */
  nodes: readonly [RabbitmqNodeUrl, ...RabbitmqNodeUrl[]];
  /** The virtual host; `/` where no path names one. */
  vhost: string;
}

/** The address of one node. */
export interface RabbitmqNodeUrl {
  url: string;
  /** As RabbitMQ knows them, without percent signs. */
  user: string;
  password: string;
}

/** RabbitMQ's own default, which it takes from this machine only. */
const GUEST = 'guest';
/** A comma begins another node only where a scheme follows, so that a password may hold one. */
const BETWEEN_NODES = /,(?=\s*[a-z]+:)/i;

/**
 * Parses a `RABBITMQ_URL`, the one way everywhere: URLs of the nodes of a cluster, separated by commas, each with credentials and the same
 * virtual host as its path. @throws RangeError that says what the setting must be.
 */
export function rabbitmqUrlOf(text: string): RabbitmqUrl {
  const nodes = text.split(BETWEEN_NODES).map((one) => parsed(one.trim()));
  const [first, ...others] = nodes.map(({ node }) => node);
  const vhosts = [...new Set(nodes.map(({ vhost }) => vhost))];
  if (first === undefined || vhosts[0] === undefined) throw new RangeError(EXAMPLE);
  if (vhosts.length > 1)
    throw new RangeError(
      `must name the same virtual host in the URL of every node, and names ${vhosts.join(' and ')}`,
    );
  return { nodes: [first, ...others], vhost: vhosts[0] };
}

const EXAMPLE =
  'must be one or more URLs, separated by commas, that start with amqp:// or amqps://, such as amqp://user:password@host:5672/vhost';

function parsed(text: string): { node: RabbitmqNodeUrl; vhost: string } {
  if (!URL.canParse(text)) throw new RangeError(EXAMPLE);
  const { protocol, hostname, pathname, username, password } = new URL(text);
  // A comma stays in the name of the host where no scheme follows it.
  const isHost = hostname !== '' && !hostname.includes(',');
  if (!['amqp:', 'amqps:'].includes(protocol) || !isHost) throw new RangeError(EXAMPLE);
  const isNamed = username !== '' || password !== '';
  return {
    node: {
      url: text,
      user: isNamed ? plain(username, 'user') : GUEST,
      password: isNamed ? plain(password, 'password') : GUEST,
    },
    vhost: plain(pathname.slice(1), 'virtual host') || '/',
  };
}

/** Without percent signs. */
function plain(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RangeError(`must have each % in its ${part} written as %25`);
  }
}
