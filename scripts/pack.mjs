// node scripts/pack.mjs FOLDER: bundles the plugin and packs it into FOLDER/pinlane-nx.tgz, with everything that it needs from elsewhere among its dependencies.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

await import('../tools/nx-pinlane/build.mjs');

const FILES = ['dist', 'bin', 'schemas', 'as-in-node_modules', 'generators.json'];

const plugin = fileURLToPath(new URL('../tools/nx-pinlane/', import.meta.url));
const folder = resolve(process.argv[2] ?? '.');
const {
  nx: _ofThisWorkspace,
  private: _unpublished,
  exports: found,
  dependencies,
  ...manifest
} = JSON.parse(readFileSync(join(plugin, 'package.json'), 'utf8'));

// What was bundled is in dist; what was not is still imported by its name.
const scripts = readdirSync(join(plugin, 'dist'), { recursive: true }).filter((name) => name.endsWith('.js'));
const text = scripts.map((name) => readFileSync(join(plugin, 'dist', name), 'utf8')).join('\n');
const isImported = (name) => text.includes(`"${name}"`) && new RegExp(`(from|import|import\\(|require\\(|resolve\\()"${name}[/"]`).test(text);

const stage = mkdtempSync(join(tmpdir(), 'pinlane-pack-'));
try {
  for (const name of FILES) cpSync(join(plugin, name), join(stage, name), { recursive: true });
  const packed = {
    ...manifest,
    files: FILES,
    exports: { ...found, '.': found['.'].default },
    dependencies: Object.fromEntries(Object.entries(dependencies).filter(([name]) => isImported(name))),
  };
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(packed, null, 2)}\n`);
  const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts'], { cwd: stage, encoding: 'utf8' }));
  mkdirSync(folder, { recursive: true });
  cpSync(join(stage, filename), join(folder, 'pinlane-nx.tgz'));
  console.log(join(folder, 'pinlane-nx.tgz'));
} finally {
  rmSync(stage, { recursive: true, force: true });
}
