// Copies of this workspace, and made-up workspaces, in a temporary folder. The bench never touches the real one.
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Adds two tasks that do nothing: one of Nx's own executor, and one of a plugin's executor, for which Nx forks a process. */
const addFloor = (to) => {
  const folder = join(to, 'apps/floor');
  // The name of its folder keeps Nx from reading the tsconfig with the TypeScript compiler in every task (docs/adr/0005-built-plugin.md).
  const files = {
    'package.json': {
      name: '@bench/floor',
      version: '0.0.0',
      private: true,
      executors: './as-in-node_modules/executors.json',
      nx: { name: 'floor', targets: { noop: { executor: 'nx:noop' }, forked: { executor: '@bench/floor:nothing' } } },
    },
    'as-in-node_modules/executors.json': { executors: { nothing: { implementation: '../nothing.js', schema: '../schema.json' } } },
    'schema.json': { version: 2, type: 'object', properties: {} },
  };
  mkdirSync(join(folder, 'as-in-node_modules'), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content));
  writeFileSync(join(folder, 'nothing.js'), 'module.exports.default = async () => ({ success: true });\n');
  mkdirSync(join(to, 'node_modules/@bench'), { recursive: true });
  symlinkSync('../../apps/floor', join(to, 'node_modules/@bench/floor'));
};

/** Copies the working tree as git sees it, into a repository of its own, with hard links for node_modules. */
export const copyWorkspace = (root, to) => {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean);
  for (const file of files.filter((each) => existsSync(join(root, each)))) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(root, file), join(to, file), { verbatimSymlinks: true, force: true, recursive: false, errorOnExist: false });
  }
  execFileSync('cp', ['-al', join(root, 'node_modules'), join(to, 'node_modules')]);
  cpSync(join(root, 'tools/nx-pinlane/dist'), join(to, 'tools/nx-pinlane/dist'), { recursive: true });
  addFloor(to);
  const git = (...args) => execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], { cwd: to, stdio: 'ignore' });
  git('init', '-q');
  // A clone has a remote too. Without one, each process of Nx asks git for it four times.
  git('remote', 'add', 'origin', 'https://github.com/pinlane/bench.git');
  git('add', '-A');
  git('commit', '-qm', 'bench');
};

/** Adds `bench-base`, a base of so many MB that can't be compressed, and `bench-onbase`, a processor on it. */
export const addLargeBase = (to, megabytes) => {
  const write = (slug, dockerfile) => {
    const folder = join(to, 'processors', slug);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'registry.yaml'), `ref: ${slug.replace('-', '/')}@1\n`);
    writeFileSync(join(folder, 'Dockerfile'), dockerfile);
    return folder;
  };
  const folder = write('bench-base', 'FROM scratch\nCOPY blob /blob\n');
  const chunk = Buffer.alloc(10e6);
  for (let done = 0; done < megabytes; done += 10) appendFileSync(join(folder, 'blob'), randomFillSync(chunk));
  write('bench-onbase', 'FROM store.localhost/bench-base\nCOPY Dockerfile /Dockerfile\n');
};

/** Makes a workspace of many processors: inferred by our plugin (`ours`), ignored by an empty one (`empty`), or read by Nx from `project.json`. */
export const manyProcessors = (root, to, { count, kind }) => {
  const inferred = kind === 'ours';
  mkdirSync(to, { recursive: true });
  const plugin = inferred ? join(root, 'tools/nx-pinlane/dist/index.js') : './empty-plugin.mjs';
  writeFileSync(join(to, 'nx.json'), JSON.stringify({ analytics: false, plugins: [plugin] }));
  writeFileSync(join(to, 'package.json'), JSON.stringify({ name: 'many', private: true }));
  writeFileSync(join(to, 'empty-plugin.mjs'), "export const name = 'empty';\nexport const createNodes = ['none/**/nothing.json', () => []];\n");
  for (let at = 0; at < count; at++) {
    const folder = join(to, 'processors', `bench-p${at}`);
    mkdirSync(folder, { recursive: true });
    if (kind !== 'project.json') {
      writeFileSync(join(folder, 'registry.yaml'), `ref: bench/p${at}@1\nbuild: { port: 8000 }\nruntime: { cpu: 1 }\nsecrets: { required: [A_KEY] }\n`);
      writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY a /a\n');
    } else writeFileSync(join(folder, 'project.json'), JSON.stringify({ name: `bench-p${at}`, targets: { noop: {} } }));
  }
  execFileSync('ln', ['-s', join(root, 'node_modules'), join(to, 'node_modules')]);
};
