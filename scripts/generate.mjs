// npm run generate: writes everything that follows from the verbs and from the contracts, the plugin's own files, the scripts of pages and docs/reference, and bundles the plugin;
// with --check, only tells which files are stale.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { VERBS } from '../tools/nx-pinlane/src/verbs/index.ts';
import { definitionFaults } from '../tools/nx-pinlane/src/command/definition-faults.ts';
import { pageAssets } from './generate/page-assets.ts';
import { pluginFiles } from './generate/plugin-files.ts';
import { referenceFiles } from './generate/reference-pages.ts';
import { runbook } from './generate/runbook.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
// Folders in which every file is generated.
const OWN = ['docs/reference', 'docs/reference/schemas', 'tools/nx-pinlane/schemas'];

const named = new Map(await Promise.all(Object.entries(VERBS).map(async ([name, load]) => [name, await load()])));
const folders = readdirSync(join(root, 'tools/nx-pinlane/src/verbs'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
const faults = definitionFaults(
  named,
  folders.map(({ name }) => name),
);
if (faults.length > 0) {
  for (const fault of faults) console.error(`verb ${fault}`);
  process.exit(1);
}
const verbs = [...named.values()];

const formatted = async ([path, text]) => [path, await format(text, { ...(await resolveConfig(join(root, path))), filepath: path })];
const files = {
  ...Object.fromEntries(await Promise.all(Object.entries({ ...pluginFiles(verbs), ...(await pageAssets()) }).map(formatted))),
  ...referenceFiles(verbs),
  ...Object.fromEntries([await formatted(['docs/runbook.md', await runbook(root)])]),
};

const read = (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : null);
const stale = Object.keys(files).filter((path) => read(path) !== files[path]);
const left = OWN.flatMap((folder) =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => `${folder}/${name}`),
).filter((path) => files[path] === undefined);

if (process.argv.includes('--check')) {
  for (const path of [...stale, ...left]) console.error(`${path} is stale: npm run generate`);
  process.exitCode = stale.length + left.length > 0 ? 1 : 0;
} else {
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), files[path]);
  }
  for (const path of left) rmSync(join(root, path));
  await import('../tools/nx-pinlane/build.mjs');
  console.log(`${Object.keys(files).length} files, ${stale.length} of them written, ${left.length} removed`);
}
