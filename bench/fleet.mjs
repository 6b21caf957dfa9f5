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
export const createNodes = ['processors/*/registry.yaml', (files) => files.map((file) => [file, { projects: { [dirname(file)]: { targets: { floor: { executor: 'nx:noop' } } } } }])];
`;

const processor = (at) => ({
  'registry.yaml': `ref: bench/p${at}@1\nbuild: { port: 8000 }\nruntime: { cpu: 1 }\n`,
  Dockerfile: 'FROM store.localhost/bench-base\nWORKDIR /app\nCOPY dist/ ./\nENTRYPOINT ["node", "/app/main.js"]\n',
  '.dockerignore': '*\n!dist\n',
  'src/main.ts': `import { shared } from '../../../libs/shared/src/index.ts';\nconsole.log(${at}, shared);\n`,
});

const write = (to, files) => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), text);
  }
};

/** Makes a workspace of so many processors that bundle one library and stand on one base, without @nx/js; its plugin is that of `root`. */
export const makeFleet = (root, to, count) => {
  write(to, {
    'package.json': '{ "name": "fleet", "private": true, "type": "module" }\n',
    'nx.json': JSON.stringify({ analytics: false, neverConnectToCloud: true, defaultBase: 'main', plugins: ['@pinlane/nx', './floor.mjs'] }),
    'floor.mjs': FLOOR,
    '.gitignore': 'node_modules\ndist/\n.pinlane/\n.nx/\n',
    'libs/shared/project.json': '{ "name": "shared" }\n',
    'libs/shared/src/index.ts': "export const shared = 'one';\n",
    'processors/bench-base/registry.yaml': 'ref: bench/base@1\n',
    'processors/bench-base/Dockerfile': 'FROM scratch\nCOPY blob /blob\n',
  });
  for (let at = 0; at < count; at++) {
    write(join(to, `processors/bench-p${at}`), processor(at));
  }
  const chunk = Buffer.alloc(10e6);
  for (let done = 0; done < BASE; done += 10) appendFileSync(join(to, 'processors/bench-base/blob'), randomFillSync(chunk));
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
  const git = (...args) => execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], { cwd: to, stdio: 'ignore' });
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-qm', 'bench');
};

/**
 * What a fleet costs, in seconds, each beside Nx's floor: nothing changed, one changed (`nx affected`), all changed; and the memory of nothing changed, in MB,
 * of the largest process that Nx starts.
 */
export const measureFleet = async ({ root, to, count, runs, nx, say }) => {
  makeFleet(root, to, count);
  const env = { NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };
  const run = (args, more = {}) => measure([...nx, ...args], { cwd: to, env, ...more });
  const many = (target, more) => run(['run-many', '-t', target], more);
  const affected = (target) => run(['affected', '-t', target, '--base=HEAD']);
  const git = (...args) => execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], { cwd: to, stdio: 'ignore' });
  const edit = (at, text) => appendFileSync(join(to, `processors/bench-p${at}/src/main.ts`), `console.log('${text}');\n`);
  say(`${count} processors: the first time`);
  await many('pin');
  git('commit', '-qam', 'pins');
  const samples = { floor: [], unchanged: [], affectedFloor: [], one: [] };
  for (let at = 0; at < runs; at++) {
    say(`${count} processors, run ${at + 1} of ${runs}`);
    samples.floor.push((await many('floor')).seconds);
    samples.unchanged.push((await many('pin')).seconds);
    edit(at, `one ${at}`);
    samples.affectedFloor.push((await affected('floor')).seconds);
    samples.one.push((await affected('pin')).seconds);
    git('commit', '-qam', 'one');
  }
  const { task } = await many('pin', { memory: true });
  say(`${count} processors: all changed`);
  for (let at = 0; at < count; at++) edit(at, 'all');
  const all = (await many('pin')).seconds;
  return { ...Object.fromEntries(Object.entries(samples).map(([name, taken]) => [name, median(taken)])), all, task };
};
