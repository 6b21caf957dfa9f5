import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

const env = { ...process.env, NX_DAEMON: 'false' };

/** The rules that a text breaks if it is the content of a file of the workspace. */
const brokenRules = (file: string, text: string): string[] => {
  const args = ['node_modules/eslint/bin/eslint.js', '--stdin', `--stdin-filename=${file}`, '--format=json'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, input: text, encoding: 'utf8', env });
  // Nx's rule may print other lines too.
  const json = stdout.split('\n').find((line) => line.startsWith('[{'));
  if (json === undefined) throw new Error(`${stdout}\n${stderr}`);
  const [result] = JSON.parse(json) as { messages: { ruleId: string }[] }[];
  return (result?.messages ?? []).map(({ ruleId }) => ruleId);
};

// Nx's rule reads the project graph that the last Nx command left, and reports nothing if there is none.
beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, ['node_modules/nx/dist/bin/nx.js', 'show', 'projects'], { cwd: root, encoding: 'utf8', env });
  if (status !== 0) throw new Error(stderr);
});

describe('the linter', () => {
  it.each([
    [
      'contracts import the store',
      'libs/contracts/src/x.ts',
      "import { openStore } from '@pinlane/oci';\nexport const x = openStore;\n",
      '@nx/enforce-module-boundaries',
    ],
    [
      'a processor imports more than its runtime',
      'processors/llm-litellm/src/x.ts',
      "import { LANES } from '@pinlane/contracts';\nexport const x = LANES;\n",
      '@nx/enforce-module-boundaries',
    ],
    ['a decision reads a file', 'libs/pipeline/src/x.ts', "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;\n", 'no-restricted-imports'],
    ['a decision asks the clock', 'libs/pipeline/src/x.ts', 'export const x = Date.now();\n', 'no-restricted-properties'],
    ['a decision reads the environment', 'libs/contracts/src/x.ts', "export const x = process.env['HOME'];\n", 'no-restricted-globals'],
    [
      'what runs imports what tests',
      'libs/oci/src/x.ts',
      "import { refs } from '@pinlane/testing';\nexport const x = refs;\n",
      '@typescript-eslint/no-restricted-imports',
    ],
    [
      'a program is started anywhere but in one module',
      'libs/oci/src/x.ts',
      "import { spawn } from 'node:child_process';\nexport const x = spawn;\n",
      '@typescript-eslint/no-restricted-imports',
    ],
    [
      'the runtime of processors takes in all contracts',
      'libs/processor-runtime/src/x.ts',
      "import { LANES } from '@pinlane/contracts';\nexport const x = LANES;\n",
      '@typescript-eslint/no-restricted-imports',
    ],
    ['a library ends the process', 'libs/oci/src/x.ts', 'export const x = (): never => process.exit(1);\n', 'no-restricted-properties'],
  ])('objects where %s', (_, file, text, rule) => {
    expect(brokenRules(file, text)).toContain(rule);
  });

  it('has nothing against imports along the layers', () => {
    expect(brokenRules('libs/oci/src/x.ts', "import { LANES } from '@pinlane/contracts';\nexport const x = LANES;\n")).toEqual([]);
  });
});
