// Bundles the plugin into dist/. Nx and the executors run from there: one file loads several times faster than the source tree.
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const dist = join(here, 'dist');

const entries = async (folder, take) => (existsSync(join(here, folder)) ? (await readdir(join(here, folder), { withFileTypes: true })).flatMap(take) : []);

const { executors } = JSON.parse(await readFile(join(here, 'as-in-node_modules/executors.json'), 'utf8'));
const verbs = Object.keys(executors);
const generators = await entries('src/generators', (entry) =>
  entry.isDirectory() && existsSync(join(here, 'src/generators', entry.name, 'generator.ts')) ? [entry.name] : [],
);

/** The entry of an executor is the same for every verb, so it is no file. */
const executorEntries = {
  name: 'executor-entries',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^executor:/ }, ({ path }) => ({ path: path.slice('executor:'.length), namespace: 'executor' }));
    onLoad({ filter: /./, namespace: 'executor' }, ({ path }) => ({
      contents: `import { batchExecutor, executor } from './nx/executor.ts';
const load = async () => (await import('./verbs/${path}/verb.ts')).verb;
export default executor(load);
export const batch = batchExecutor(load);
`,
      resolveDir: join(here, 'src'),
      loader: 'ts',
    }));
  },
};

const executorsOf = (names) => names.map((name) => [`executors/${name}`, `executor:${name}`]);

/** What a run starts for one changed line. */
const frequent = ['bundle', 'buildx', 'pin'];

/**
 * What is bundled by itself. Entries that are bundled together share their modules in chunks, one for each set of entries that needs it: all together they
 * would be 200, and Node takes the better part of a millisecond for each that it loads. So what is loaded most often shares with little else.
 */
const groups = [
  [['index', 'src/index.ts']],
  executorsOf(frequent),
  [
    ['cli', 'src/cli/main.ts'],
    ['supervisor', 'src/deploy/supervisor.ts'],
    ...executorsOf(verbs.filter((name) => !frequent.includes(name))),
    ...generators.map((name) => [`generators/${name}/generator`, `src/generators/${name}/generator.ts`]),
  ],
];

const options = {
  absWorkingDir: here,
  outdir: dist,
  write: false,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node22.12',
  format: 'esm',
  chunkNames: 'chunks/[name]-[hash]',
  conditions: ['@pinlane/source'],
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: 'none',
  plugins: [executorEntries],
  // The SDK of Modal is large, and one platform's alone: it stays a package that is loaded where it is used.
  external: ['nx', 'nx/*', '@nx/devkit', 'esbuild', 'modal', 'typescript'],
  // Bundled CommonJS packages still ask for Node's own modules with require().
  banner: { js: "import { createRequire as pinlaneRequire } from 'node:module'; const require = pinlaneRequire(import.meta.url);" },
  logLevel: 'warning',
};
const results = await Promise.all(groups.map((entryPoints) => build({ ...options, entryPoints: Object.fromEntries(entryPoints) })));

// A command may be running from dist right now. Chunks are named by their content and come first, then each entry takes its
// predecessor's place in one rename: whoever loads an entry finds every chunk it names.
const put = async (file, contents) => {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, contents);
  await rename(temporary, file);
};
const outputs = results
  .flatMap(({ outputFiles }) => outputFiles)
  .map(({ path, contents }) => ({ path, name: relative(dist, path).replaceAll('\\', '/'), contents }))
  .sort((a, b) => (a.name < b.name ? -1 : 1));
const isChunk = ({ name }) => name.startsWith('chunks/');
for (const { path, contents } of outputs.filter(isChunk)) await put(path, contents);
for (const { path, contents } of outputs.filter((output) => !isChunk(output))) await put(path, contents);

// Not cp, which removes a file before it writes it anew: two builds at once would find it gone.
for (const name of generators) {
  const from = join(here, 'src/generators', name);
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    const source = join(entry.parentPath, entry.name);
    const path = relative(from, source).replaceAll('\\', '/');
    if (entry.isFile() && (path.startsWith('files/') || !path.endsWith('.ts'))) await put(join(dist, 'generators', name, path), await readFile(source));
  }
}

// Chunks of earlier builds go when no command that started before this one can still need them.
const current = new Set(outputs.map(({ path }) => path));
const staleAfterMs = 10 * 60 * 1000;
for (const name of await readdir(join(dist, 'chunks')).catch(() => [])) {
  const file = join(dist, 'chunks', name);
  if (!current.has(file) && Date.now() - ((await stat(file).catch(() => null))?.mtimeMs ?? Infinity) > staleAfterMs) await rm(file, { force: true });
}
