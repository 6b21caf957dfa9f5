import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ERROR_CATALOGUE, errorDocumentSchema } from '@pinlane/contracts';
import { temporaryFolder } from '@pinlane/testing';

const plugin = resolve(import.meta.dirname, '../..');
const command = readFileSync(join(plugin, 'bin/pinlane.mjs'), 'utf8');

/** Runs the command's own file as a Node of some version would. */
const runAs = (version: string, ...args: string[]) => {
  const folder = temporaryFolder('old-node');
  const file = join(folder, 'pinlane.mjs');
  writeFileSync(file, command.replaceAll('process.versions.node', JSON.stringify(version)));
  return spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' });
};

describe('The pinlane command', () => {
  it.each(['4.9.1', '12.22.12', '18.20.0', '20.19.0', '22.11.0'])('tells a Node %s that it is too old', (version) => {
    const { status, stdout, stderr } = runAs(version, 'pin', 'x', '--json');
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^ERR_NODE_UNSUPPORTED: this is Node [^\n]*needs Node 22\.12\nfix: .*\n$/)]);
    const document = errorDocumentSchema.parse(JSON.parse(stdout));
    expect(document.problems.map(({ code }) => code)).toEqual(['ERR_NODE_UNSUPPORTED']);
    expect(runAs(version, 'pin').stdout).toBe('');
  });

  it('starts on every Node that the package is for', () => {
    // It gets as far as loading the bundle, which is not beside it here.
    for (const version of ['22.12.0', '22.20.1', '24.0.0', '25.1.0']) expect(runAs(version, '--help').stderr).toMatch(/ERR_MODULE_NOT_FOUND/);
  });

  it('names the version that package.json, the executors and the catalogue name', () => {
    const { engines } = JSON.parse(readFileSync(join(plugin, 'package.json'), 'utf8')) as { engines: { node: string } };
    expect(engines.node).toBe('>=22.12');
    expect(command).toContain('const LOWEST = [22, 12];');
    expect(ERROR_CATALOGUE.ERR_NODE_UNSUPPORTED.remedy).toContain('Node 22.12 or newer');
    expect(readFileSync(join(plugin, 'src/nx/run-task.ts'), 'utf8')).toContain('needs Node 22.12');
  });

  it('is read by an old Node: nothing in its file is newer than ES2017, but for import()', () => {
    const folder = temporaryFolder('old-node');
    const file = join(folder, 'pinlane.mjs');
    writeFileSync(file, command.replace(/^#!.*/, ''));
    const bundled = execFileSync(
      join(plugin, '../../node_modules/.bin/esbuild'),
      [file, '--target=es2017', '--supported:dynamic-import=true', '--log-level=warning'],
      {
        encoding: 'utf8',
      },
    );
    expect(bundled.replaceAll(/\s|;/g, '')).toBe(
      execFileSync(join(plugin, '../../node_modules/.bin/esbuild'), [file, '--target=esnext', '--log-level=warning'], { encoding: 'utf8' }).replaceAll(
        /\s|;/g,
        '',
      ),
    );
  });
});
