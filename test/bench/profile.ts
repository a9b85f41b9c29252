/** Sums up the CPU profiles that `npm run bench -- --profile` left: where each process spent its time. `tsx test/bench/profile.ts [folder] [lines]`. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

interface Profile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  timeDeltas: number[];
}

const [, , folder = '.data/bench/profiles', lines = '25'] = process.argv;

for (const file of readdirSync(folder)) {
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile;
  const service = profile.nodes
    .map(({ callFrame: { url } }) => /services\/([\w-]+)\/main/.exec(url)?.[1])
    .find(Boolean);
  process.stdout.write(`\n${service ?? file}\n`);
  print(selfTimes(attributed(profile), placeOf), 22);
  print(selfTimes(profile, functionOf), Number(lines));
}

type Frame = Profile['nodes'][number]['callFrame'];

function selfTimes(
  { nodes, samples, timeDeltas }: Profile,
  nameOf: (frame: Frame) => string,
): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '';
    if (name !== '(idle)') times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1_000);
  });
  return times;
}

function print(times: Map<string, number>, most: number): void {
  const total = [...times.values()].reduce((sum, one) => sum + one, 0);
  const largest = [...times].sort(([, a], [, b]) => b - a).slice(0, most);
  for (const [name, ms] of largest)
    process.stdout.write(
      `${((100 * ms) / total).toFixed(1).padStart(6)} %  ${ms.toFixed(0).padStart(7)} ms  ${name}\n`,
    );
}

/** The package, or our own room. */
function placeOf({ url, functionName }: Frame): string {
  if (url === '') return functionName;
  const found =
    /node_modules\/((?:@[\w-]+\/)?[\w-]+)|dist\/((?:shared|services)\/[\w-]+\/[\w-]+)|(node:\w+)/.exec(url);
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? url;
}

function functionOf({ url, functionName, lineNumber }: Frame): string {
  const at = url.replace(/^.*(node_modules|dist)\//, '').replace(/^.*\/main\//, '');
  return `${functionName === '' ? '(anonymous)' : functionName}  ${at}:${lineNumber + 1}`;
}

/** The same profile, where what Node and V8 do counts as done by the code that called it. */
function attributed(profile: Profile): Profile {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const nodes: Profile['nodes'] = [];
  const visit = (id: number, caller: Frame | undefined): void => {
    const node = byId.get(id);
    if (!node) return;
    const isOwn = /node_modules|dist\//.test(node.callFrame.url);
    const frame = isOwn || !caller ? node.callFrame : caller;
    nodes.push({ id, callFrame: frame });
    for (const child of node.children ?? []) visit(child, isOwn ? node.callFrame : caller);
  };
  const [root] = profile.nodes;
  if (root) visit(root.id, undefined);
  return { ...profile, nodes };
}
