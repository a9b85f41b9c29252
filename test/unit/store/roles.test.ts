import { expect, test } from 'vitest';
import { INDEXES, rolesFor } from '../../../shared/store/index.ts';

const roles = rolesFor('tidings');
const actionsOf = (role: string, collection: string) =>
  roles
    .find(({ createRole }) => createRole === `tidings-${role}`)
    ?.privileges.find(({ resource }) => resource.collection === collection)?.actions;

test('every collection that has a line in INDEXES is used by somebody, and not only to index it', () => {
  const used = roles.flatMap(({ privileges }) =>
    privileges
      .filter(({ actions }) => actions.some((action) => action !== 'createIndex'))
      .map(({ resource }) => resource.collection),
  );
  expect(used).toEqual(expect.arrayContaining(Object.keys(INDEXES)));
});

test('producer and scheduler may create every index, and no consumer any', () => {
  for (const [collection, indexes] of Object.entries(INDEXES))
    for (const role of ['producer', 'email', 'sms', 'in-app', 'scheduler']) {
      const isTheirs = indexes.length > 0 && (role === 'producer' || role === 'scheduler');
      const may = actionsOf(role, collection)?.includes('createIndex') ?? false;
      expect([role, collection, may]).toEqual([role, collection, isTheirs]);
    }
});

test('nobody may change or remove what is written into the audit, nor remove notifications but the scheduler', () => {
  const removers = (collection: string) =>
    roles
      .map(({ createRole }) => createRole)
      .filter((name) =>
        actionsOf(name.replace('tidings-', ''), collection)?.some((action) =>
          (collection === 'audit' ? ['update', 'remove'] : ['remove']).includes(action),
        ),
      );
  expect(removers('audit')).toEqual([]);
  expect(removers('notifications')).toEqual(['tidings-scheduler']);
});
