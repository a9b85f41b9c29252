import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../shared/runtime/config.ts';
import { rabbitmqUrlOf } from '../../../shared/runtime/rabbitmq-url.ts';
import { secretsOf } from '../../../shared/runtime/redact.ts';

describe('RABBITMQ_URL', () => {
  test.each([
    ['amqp://h', '/'],
    ['amqp://h/', '/'],
    ['amqp://h/%2F', '/'],
    ['amqp://h/%2f?heartbeat=5', '/'],
    ['amqps://u:p@h:5671/tidings', 'tidings'],
    ['amqp://u:p@h/a%2Fb', 'a/b'],
    ['amqp://u:p@h/gr%C3%BCn', 'grün'],
    ['amqp://u:p@a:1/v,amqp://u:p@b:2/v,amqps://u:p@[::1]:3/v', 'v'],
    ['amqp://a/v, amqp://b/v', 'v'],
    ['amqp://a,amqp://b/%2F', '/'],
  ])('%s is on the virtual host %s', (text, vhost) => {
    expect(rabbitmqUrlOf(text).vhost).toBe(vhost);
    expect(readConfig({ RABBITMQ_URL: text }).RABBITMQ_URL).toBe(text);
  });

  test.each([
    ['amqp://h', 'guest', 'guest'],
    ['amqp://user@h', 'user', ''],
    ['amqp://user:a%40b%2Fc%25@h', 'user', 'a@b/c%'],
    ['amqp://user:one,two@a:1/v,amqp://x:y@b:1/v', 'user', 'one,two'],
    ['amqp://gr%C3%BCn:%C3%A9@h', 'grün', 'é'],
  ])('%s signs in as %s with %j', (text, user, password) => {
    expect(rabbitmqUrlOf(text).nodes[0]).toMatchObject({ user, password });
  });

  test('names its nodes in order', () => {
    const { nodes } = rabbitmqUrlOf('amqp://u:p@a:1/v , amqp://u:p@b:2/v');
    expect(nodes.map(({ url }) => url)).toEqual(['amqp://u:p@a:1/v', 'amqp://u:p@b:2/v']);
  });

  test.each([
    ['http://h', /must be one or more URLs/],
    ['amqp://', /must be one or more URLs/],
    ['h:5672', /must be one or more URLs/],
    ['amqp://a,', /must be one or more URLs/],
    ['amqp://u:p@a:1,b:2/v', /must be one or more URLs/],
    ['amqp://a,http://b', /must be one or more URLs/],
    ['amqp://a/one,amqp://b/two', /must name the same virtual host .* one and two/],
    ['amqp://a/one,amqp://b', /must name the same virtual host .* one and \//],
    ['amqp://u:100%@h', /must have each % in its password written as %25/],
    ['amqp://h/100%', /must have each % in its virtual host written as %25/],
  ])('%s is refused and says why', (RABBITMQ_URL, words) => {
    expect(() => readConfig({ RABBITMQ_URL })).toThrow(words);
    expect(() => readConfig({ RABBITMQ_URL })).toThrow(/RABBITMQ_URL: must/);
  });

  test('has its passwords masked in the log, as written and as meant', () => {
    const RABBITMQ_URL = 'amqp://u:one,two%40three@a/v,amqp://u:second-one@b/v';
    expect(secretsOf({ RABBITMQ_URL })).toEqual(
      expect.arrayContaining(['one,two%40three', 'one,two@three', 'second-one']),
    );
  });
});
