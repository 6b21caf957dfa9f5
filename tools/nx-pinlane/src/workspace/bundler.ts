import type { BuildOptions, Plugin } from 'esbuild';

/** How esbuild bundles a processor: what decides which files are in the bundle. */
export const BUNDLER = {
  bundle: true,
  write: false,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  loader: { '.wasm': 'binary' },
  logLevel: 'silent',
} as const satisfies BuildOptions;

const NAME = 'pinlane:entry:';

/** The names of entries for the bundler, and what knows them by it: a path with an asterisk would be a pattern to it. */
export const namedEntries = (paths: readonly string[]): { readonly names: string[]; readonly plugin: Plugin } => ({
  names: paths.map((_, at) => `${NAME}${at}`),
  plugin: {
    name: 'entry',
    setup: ({ onResolve }) => onResolve({ filter: /^pinlane:entry:/ }, ({ path }) => ({ path: paths[Number(path.slice(NAME.length))]! })),
  },
});
