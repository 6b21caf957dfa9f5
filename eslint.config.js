import nx from '@nx/eslint-plugin';
import n from 'eslint-plugin-n';
import tseslint from 'typescript-eslint';

/** Who may import whom (design, section 3): one way, from the contracts outwards. */
const layers = [
  ['contracts', ['contracts']],
  ['pipeline', ['contracts', 'pipeline']],
  ['oci', ['contracts', 'oci']],
  ['adapters', ['contracts', 'pipeline', 'oci', 'adapters']],
  ['processor-runtime', ['contracts', 'processor-runtime']],
  ['testing', ['contracts', 'testing']],
  ['tools', ['contracts', 'pipeline', 'oci', 'adapters', 'tools']],
  ['apps', ['contracts', 'pipeline', 'oci', 'adapters', 'apps']],
];

const depConstraints = layers.map(([layer, allowed]) => ({
  sourceTag: `layer:${layer}`,
  onlyDependOnLibsWithTags: [...allowed, 'testing'].map((each) => `layer:${each}`),
}));
// Processors get their tag from the plugin that infers them.
depConstraints.push({ sourceTag: 'pinlane:processor', onlyDependOnLibsWithTags: ['layer:processor-runtime', 'layer:testing'] });

/** What would make a pure decision depend on more than its arguments. */
const effects = {
  modules: ['node:child_process', 'node:fs', 'node:fs/promises', 'node:http', 'node:https', 'node:net', 'node:os', 'node:process', 'execa'],
  globals: ['fetch', 'process', 'setTimeout', 'setInterval'],
};

const onlyInTests = { name: '@pinlane/testing', message: 'Only tests import it.' };

/** One module starts programs. */
const programs = ['node:child_process', 'execa'].map((name) => ({ name, message: 'Programs are started by @pinlane/adapters, src/process.' }));

/** One function makes folders with those above them. */
const nodesMakeFolder = {
  selector: ":matches(CallExpression[callee.name=/^mkdir/], CallExpression[callee.property.name=/^mkdir/]) Property[key.name='recursive'][value.value=true]",
  message: "Node's mkdir calls a read-only disk ENOENT: use makeFolder of @pinlane/oci, src/files.",
};

/** `z` by its name is the whole of Zod with all of its languages, 430 kB more in every command. */
const wholeZod = {
  selector: "ImportDeclaration[source.value='zod'][importKind!='type'] > ImportSpecifier[imported.name='z']",
  message: "Write import * as z from 'zod'.",
};

/** What is asked for before it is used, and what is there and was called stable later. */
const laterNode = ['zlib.createZstdDecompress', 'zlib.zstdDecompressSync', 'import.meta.dirname', 'module.enableCompileCache'];

export default [
  { ignores: ['**/dist', '**/node_modules', '.nx', '.pinlane', '.cache', 'reports', 'tools/*/src/generators/*/files'] },
  ...tseslint.configs.recommended.map((config) => ({ ...config, files: ['**/*.{ts,js,mjs}'] })),
  {
    files: ['**/*.{ts,js,mjs}'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { allowCircularSelfDependency: true, depConstraints }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  { files: ['**/tests/**/*.ts'], rules: { '@typescript-eslint/no-explicit-any': 'off' } },
  {
    files: ['libs/{contracts,pipeline}/src/**/*.ts'],
    // What runs in a reader's browser is a page's script, and no decision.
    ignores: ['**/browser/**'],
    rules: {
      'no-restricted-imports': ['error', { paths: effects.modules.map((name) => ({ name, message: 'Decisions here are pure: facts come in as arguments.' })) }],
      'no-restricted-globals': ['error', ...effects.globals.map((name) => ({ name, message: 'Decisions here are pure: facts come in as arguments.' }))],
      'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'Time comes in as a fact.' }],
    },
  },
  {
    files: ['libs/*/src/**/*.ts', 'tools/*/src/**/*.ts', 'processors/*/src/**/*.ts'],
    ignores: ['libs/testing/**'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: [onlyInTests, ...programs] }] },
  },
  {
    files: ['libs/adapters/src/process/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: [onlyInTests] }] },
  },
  {
    files: ['libs/processor-runtime/src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [onlyInTests, { name: '@pinlane/contracts', message: 'Import @pinlane/contracts/processor: the rest would be bundled into every processor.' }],
        },
      ],
    },
  },
  {
    files: ['libs/{oci,adapters,conformance,base-node,processor-runtime}/src/**/*.ts', 'tools/*/src/**/*.ts'],
    // Each of these is a process of its own, or what ends one that was told to stop.
    ignores: ['libs/adapters/src/runtime/bridge.ts', 'libs/processor-runtime/src/serve.ts', 'tools/nx-pinlane/src/command/run-verb.ts'],
    rules: { 'no-restricted-properties': ['error', { object: 'process', property: 'exit', message: 'Throw, and let the shell choose the exit code.' }] },
  },
  {
    // What runs in a workspace runs on the oldest Node that the package is for.
    files: ['libs/{contracts,pipeline,oci,adapters,conformance,base-node}/src/**/*.ts', 'tools/*/{src,bin}/**/*.{ts,mjs}'],
    ignores: ['**/browser/**'],
    plugins: { n },
    rules: { 'n/no-unsupported-features/node-builtins': ['error', { version: '>=22.12.0', ignores: laterNode }] },
  },
  {
    files: ['libs/{oci,adapters,conformance,base-node}/src/**/*.ts', 'tools/*/src/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', nodesMakeFolder, wholeZod] },
  },
];
