// npm run check: format, lint (with the boundaries between projects), types, generated files and circles of imports, side by side; the output of a check that fails is shown whole.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (path) => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
const checks = [
  ['format', bin('prettier/bin/prettier.cjs'), '--cache', '--cache-location=.cache/prettier', '--log-level=warn', '--check', '.'],
  ['lint', bin('eslint/bin/eslint.js'), '--cache', '--cache-location=.cache/eslint', '--max-warnings=0', '.'],
  ['types', bin('typescript/bin/tsc'), '-p', 'tsconfig.json'],
  ['types of scripts for browsers', bin('typescript/bin/tsc'), '-p', 'tsconfig.browser.json'],
  ['generated', fileURLToPath(new URL('generate.mjs', import.meta.url)), '--check'],
  ['circles', bin('dependency-cruiser/bin/dependency-cruiser.mjs'), '--config', '.dependency-cruiser.mjs', 'libs', 'tools', 'processors', 'scripts', 'bench'],
];

const run = ([name, ...argv]) =>
  new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, argv, { cwd: root, env: { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' } });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('close', (code) => resolve({ name, code, output: Buffer.concat(output).toString(), seconds: (performance.now() - started) / 1000 }));
  });

// Nx loads the bundled plugin, so it is bundled as the source is now.
await import('../tools/nx-pinlane/build.mjs');

// The rule on boundaries looks at the project graph of the last Nx command, and lets everything pass where there was none.
const graph = spawnSync(process.execPath, [bin('nx/dist/bin/nx.js'), 'show', 'projects'], { cwd: root, encoding: 'utf8' });
if (graph.status !== 0) {
  console.log(`FAILED project graph\n${graph.stdout}${graph.stderr}`);
  process.exitCode = 1;
}

for (const { name, code, output, seconds } of await Promise.all(checks.map(run))) {
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`);
  if (code !== 0) {
    console.log(output.trimEnd());
    process.exitCode = 1;
  }
}
