import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The pages that reports are rendered as; each has its script and its style in a folder of its own. */
const PAGES = [
  { folder: 'libs/pipeline/src/report/drift-page', style: 'drift.css' },
  { folder: 'libs/pipeline/src/report/lanes-page', style: 'lanes.css' },
];

const bundled = async (entry: string): Promise<string> => {
  const { outputFiles } = await build({
    ...{ absWorkingDir: root, entryPoints: [entry], write: false, bundle: true, minify: true, format: 'iife', target: 'es2023', charset: 'utf8' },
    ...{ legalComments: 'none', conditions: ['@pinlane/source'], logLevel: 'warning' },
  });
  return outputFiles[0]!.text.trim();
};

/** A text as TypeScript has it, in which no element of a page can end. */
const literal = (text: string): string => `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'").replaceAll('</', '<\\/')}'`;

/** The scripts and styles of pages as one module each: what a page needs is in it, wherever it is rendered. */
export const pageAssets = async (): Promise<Record<string, string>> => {
  const files = PAGES.map(async ({ folder, style }) => {
    const [script, sheet] = await Promise.all([bundled(`${folder}/browser/main.ts`), bundled(`${folder}/browser/${style}`)]);
    const lines = [
      '// Made by `npm run generate` of what is in browser/.',
      `export const SCRIPT =\n  ${literal(script)};`,
      `export const STYLE =\n  ${literal(sheet)};`,
    ];
    return [`${folder}/assets.ts`, `${lines.join('\n')}\n`] as const;
  });
  return Object.fromEntries(await Promise.all(files));
};
