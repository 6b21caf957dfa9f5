// Many processors on one large base: what a run costs over Nx's own floor, which is a task of nx:noop for each of the same projects.
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { measure, median } from './measure.mjs';

/** The size of the base's one layer, in MB; that of Pinlane's own base is about this. */
const BASE = 110;

const FLOOR = `import { dirname } from 'node:path';
export const name = 'floor';
export const createNodes = ['processors/*/registry.yaml', (files) => files.map((file) => [file, { projects: { [dirname(file)]: { targets: { floor: { executor: 'nx:noop' }, nothing: { executor: './nothing:nothing' } } } } }])];
`;

/** An executor that does nothing, for which Nx starts a process for all tasks of a run, as it does for ours. */
const NOTHING = {
  'nothing/package.json': '{ "name": "nothing", "executors": "./executors.json" }\n',
  'nothing/executors.json': JSON.stringify({
    executors: { nothing: { implementation: './nothing.cjs', batchImplementation: './nothing.cjs#all', preferBatch: true, schema: './schema.json' } },
  }),
  'nothing/schema.json': '{ "version": 2, "type": "object", "properties": {} }\n',
  'nothing/nothing.cjs': `exports.default = async () => ({ success: true });
exports.all = async function* ({ tasks }) {
  for (const task of Object.keys(tasks)) yield { task, result: { success: true, terminalOutput: '' } };
};
`,
};

/** git in a folder, as somebody who may commit there. */
export const gitIn =
  (cwd) =>
  (...args) =>
    execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], { cwd, stdio: 'ignore' });

const processor = (at, base) => ({
  'registry.yaml': `ref: bench/p${at}@1\nbuild: { port: 8000 }\nruntime: { cpu: 1 }\n`,
  Dockerfile: `FROM store.localhost/${base}\nWORKDIR /app\nCOPY dist/ ./\nENTRYPOINT ["node", "/app/main.js"]\n`,
  '.dockerignore': '*\n!dist\n',
  'src/main.ts': `import { shared } from '../../../libs/shared/src/index.ts';\nconsole.log(${at}, shared);\n`,
});

/** Writes files below a folder. @param files their texts, by paths */
export const write = (to, files) => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), text);
  }
};

/** The files of a workspace of so many processors that bundle one library and stand on the image of one project, without @nx/js. */
export const fleetFiles = (count, base) => ({
  'package.json': '{ "name": "fleet", "private": true, "type": "module" }\n',
  'nx.json': JSON.stringify({ analytics: false, neverConnectToCloud: true, defaultBase: 'main', plugins: ['@pinlane/nx', './floor.mjs'] }),
  'floor.mjs': FLOOR,
  ...NOTHING,
  '.gitignore': 'node_modules\ndist/\n.pinlane/\n.nx/\n',
  'libs/shared/project.json': '{ "name": "shared" }\n',
  'libs/shared/src/index.ts': "export const shared = 'one';\n",
  ...Object.fromEntries(
    Array.from({ length: count }, (_, at) => Object.entries(processor(at, base)).map(([path, text]) => [`processors/bench-p${at}/${path}`, text])).flat(),
  ),
});

/** Appends random bytes to a file, in MB, which can't be compressed. */
export const appendRandom = (file, megabytes) => {
  const chunk = Buffer.alloc(10e6);
  for (let left = megabytes; left > 0; left -= 10) appendFileSync(file, randomFillSync(chunk).subarray(0, Math.min(left, 10) * 1e6));
};

/** Makes the files in a folder a repository with one commit on `main`. */
export const makeRepository = (folder) => {
  const git = gitIn(folder);
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-qm', 'bench');
};

/** Makes a workspace of so many processors; its plugin is that of `root`. */
export const makeFleet = (root, to, count) => {
  write(to, {
    ...fleetFiles(count, 'bench-base'),
    'processors/bench-base/registry.yaml': 'ref: bench/base@1\n',
    'processors/bench-base/Dockerfile': 'FROM scratch\nCOPY blob /blob\n',
  });
  appendRandom(join(to, 'processors/bench-base/blob'), BASE);
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
  makeRepository(to);
};

/**
 * What a fleet costs, in seconds, each beside Nx's floor: nothing changed, one changed (`nx affected`, also of an executor that does nothing), all changed;
 * and the memory of nothing changed, in MB, of the largest process that Nx starts.
 */
export const measureFleet = async ({ root, to, count, runs, nx, say }) => {
  makeFleet(root, to, count);
  const env = { NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };
  const run = (args, more = {}) => measure([...nx, ...args], { cwd: to, env, ...more });
  const many = (target, more) => run(['run-many', '-t', target], more);
  const affected = (target) => run(['affected', '-t', target, '--base=HEAD']);
  const git = gitIn(to);
  const edit = (at, text) => appendFileSync(join(to, `processors/bench-p${at}/src/main.ts`), `console.log('${text}');\n`);
  say(`${count} processors: the first time`);
  await many('pin');
  git('commit', '-qam', 'pins');
  const samples = { floor: [], unchanged: [], affectedFloor: [], affectedNothing: [], one: [] };
  for (let at = 0; at < runs; at++) {
    say(`${count} processors, run ${at + 1} of ${runs}`);
    samples.floor.push((await many('floor')).seconds);
    samples.unchanged.push((await many('pin')).seconds);
    // Edited before each, because whoever comes first after an edit finds out anew what the bundle is made of.
    edit(at, `one ${at}`);
    samples.affectedFloor.push((await affected('floor')).seconds);
    edit(at, `one ${at} for nothing`);
    samples.affectedNothing.push((await affected('nothing')).seconds);
    edit(at, `one ${at} again`);
    samples.one.push((await affected('pin')).seconds);
    git('commit', '-qam', 'one');
  }
  const { task } = await many('pin', { memory: true });
  say(`${count} processors: all changed`);
  for (let at = 0; at < count; at++) edit(at, 'all');
  const all = (await many('pin')).seconds;
  return { ...Object.fromEntries(Object.entries(samples).map(([name, taken]) => [name, median(taken)])), all, task };
};
