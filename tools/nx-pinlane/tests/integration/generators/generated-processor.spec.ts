/**
 * Nx requires ejs, whose "import" form has another shape: the condition must not reach its require().
 * @jest-environment-options {"customExportConditions": ["@pinlane/source", "node"]}
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { temporaryFolder } from '@pinlane/testing';
import { processorGenerator } from '../../../src/generators/processor/generator.ts';

const workspace = join(import.meta.dirname, '../../../../..');
const run = promisify(execFile);

// The type checker and another jest start here, on whatever else the machine does.
const PATIENCE = 180_000;

describe('a processor that was just generated', () => {
  jest.setTimeout(PATIENCE);
  let root: string;
  beforeAll(async () => {
    root = temporaryFolder('generated');
    const tree = createTreeWithEmptyWorkspace({ formatter: 'none' });
    tree.write('.prettierrc', await readFile(join(workspace, '.prettierrc.json'), 'utf8'));
    await processorGenerator(tree, { ref: 'acme/echo@1', secret: ['ACME_KEY', 'OTHER_KEY'] });
    await processorGenerator(tree, { ref: 'acme/open-door@2' });
    for (const { path, content } of tree.listChanges().filter((change) => change.path.startsWith('processors/'))) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content ?? '');
    }
    await symlink(join(workspace, 'node_modules'), join(root, 'node_modules'));
    await writeFile(join(root, 'package.json'), '{ "type": "module" }');
    const tsconfig = {
      extends: join(workspace, 'tsconfig.base.json'),
      compilerOptions: { typeRoots: [join(workspace, 'node_modules/@types')] },
      include: ['processors'],
    };
    await writeFile(join(root, 'tsconfig.json'), JSON.stringify(tsconfig));
    const preset = JSON.stringify(join(workspace, 'jest.preset.js'));
    await writeFile(join(root, 'jest.config.js'), `import preset from ${preset};\nexport default { ...preset, testMatch: ['**/tests/**/*.spec.ts'] };\n`);
  });

  const inRoot = (...argv: string[]) => run(process.execPath, argv, { cwd: root, env: { ...process.env, NODE_OPTIONS: '' } });

  it('has types that hold', async () => {
    await expect(inRoot(join(workspace, 'node_modules/typescript/bin/tsc'), '-p', '.')).resolves.toMatchObject({ stdout: '' });
  });

  it('passes its own tests', async () => {
    const { stderr } = await inRoot(
      '--experimental-vm-modules',
      join(workspace, 'node_modules/jest/bin/jest.js'),
      '-i',
      '--config',
      join(root, 'jest.config.js'),
    );
    expect(stderr).toMatch(/Tests: +7 passed, 7 total/);
  });

  it('is formatted as the workspace formats', async () => {
    const config = join(workspace, '.prettierrc.json');
    const { stdout } = await inRoot(
      join(workspace, 'node_modules/prettier/bin/prettier.cjs'),
      '--config',
      config,
      '--list-different',
      'processors/**/*.{ts,md}',
    );
    expect(stdout).toBe('');
  });
});
