// npm run docs: writes docs/reference from the schemas; with --check, only tells which files are stale.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { executorsPage, referenceFiles } from './reference/pages.ts';

const at = (path) => new URL(`../${path}`, import.meta.url);
const schemas = at('tools/nx-pinlane/schemas/');
const executors = readdirSync(schemas)
  .sort()
  .map((file) => JSON.parse(readFileSync(new URL(file, schemas), 'utf8')));
const files = { ...referenceFiles(), 'executors.md': executorsPage(executors) };

const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : null);
const stale = Object.entries(files).filter(([path, text]) => read(at(`docs/reference/${path}`)) !== text);

if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`docs/reference/${path} is stale: npm run docs`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  rmSync(at('docs/reference/'), { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    const file = at(`docs/reference/${path}`);
    mkdirSync(dirname(file.pathname), { recursive: true });
    writeFileSync(file, text);
  }
  console.log(`docs/reference: ${Object.keys(files).length} files, ${stale.length} of them changed`);
}
