import type { Problem } from '@pinlane/contracts';
import { LENT } from './lend-layouts.ts';

/** A line of BuildKit's plain progress as it is shown; null if it is not worth showing. */
export const progressLine = (line: string): string | null => {
  const text = line.trimEnd();
  if (text === '' || /^#\d+ (?:DONE|CACHED|\.\.\.|sha256:|extracting|transferring|resolve )/.test(text) || /^#\d+ [\d.]+$/.test(text)) return null;
  return text.replace(/^#\d+ /, '');
};

/** Cuts text that comes in pieces into lines. */
export const lineSplitter = (take: (line: string) => void): ((piece: string) => void) => {
  let rest = '';
  return (piece) => {
    const lines = (rest + piece).split(/\r?\n/);
    rest = lines.pop() ?? '';
    lines.forEach(take);
  };
};

const failureOf = (text: string, begin: RegExp): string | null => {
  const steps = new Set([...text.matchAll(begin)].map(([, step]) => step));
  return [...text.matchAll(/^#(\d+) ERROR: (.*)$/gm)].find(([, step]) => steps.has(step))?.[2] ?? null;
};

/** What went wrong with the caches of a build that is good; null if nothing did. */
export const cacheFailures = (text: string): { readonly exported: string | null; readonly imported: string | null } => ({
  exported:
    failureOf(text, /^#(\d+) (?:exporting (?:content )?cache|sending cache export)/gm) ?? /^(?:WARNING|warning): .*cache export.*$/m.exec(text)?.[0] ?? null,
  imported: failureOf(text, /^#(\d+) importing cache manifest/gm),
});

/** Why BuildKit can't even begin to export a cache, if a build failed of that; else null. */
export const unusableCache = (text: string): string | null =>
  /^(?:ERROR|error): (?:failed to (?:solve|build): )?(failed to configure \S+ cache exporter: .*)$/m.exec(text)?.[1] ?? null;

const LAST_LINES = 12;

/** The last lines of the step that failed. */
const stepOutput = (text: string): string[] => {
  const blocks = [...text.matchAll(/^------\n > (.*):\n([\s\S]*?)^------$/gm)];
  const said = blocks.map(([, , body]) => (body ?? '').trimEnd()).find((body) => body !== '');
  return (said ?? '')
    .split('\n')
    .map((line) => line.replace(/^[\d.]+ /, ''))
    .filter((line) => line !== '')
    .slice(-LAST_LINES);
};

const fixOf = (message: string): string | undefined => {
  if (/exec format error/.test(message))
    return 'This machine cannot run programs of that platform: register QEMU (docker run --privileged --rm tonistiigi/binfmt --install all), or use a builder with a node of it.';
  if (new RegExp(`127\\.0\\.0\\.1:\\d+/${LENT}@`).test(message))
    return 'This Docker reads what is in .pinlane/store from this machine, and is none of it: turn on its containerd image store, or name another builder with --builder.';
  if (/granting entitlement|entitlements? .*not allowed|is not allowed/.test(message)) return 'Name the entitlement in --allow, and let the builder grant it.';
  return undefined;
};

/** How Docker's client, or BuildKit before it begins, refuses an option. */
const REFUSED_OPTION =
  /^(invalid argument .* for .* flag: .*|invalid (?:host|mode|attest|ssh|secret|annotation|context value|value|field):? .*|unknown entitlement .*|failed to get build context .*|bad format .*|unknown flag: .*|exporter .* could not be found)$/m;

const refusedOption = (text: string): string | undefined =>
  REFUSED_OPTION.exec(text.replace(/^(?:ERROR|error): /gm, '').replace(/^failed to (?:solve|build): /gm, ''))?.[1];

/**
 * The problem behind a failed build: BuildKit's message, the end of what the step wrote, and the line of the Dockerfile. `file` is the Dockerfile's name in
 * messages; `hide` removes secrets.
 */
export const buildFailure = (text: string, file: string, hide: (text: string) => string): Problem => {
  const option = refusedOption(text);
  if (option !== undefined) return { code: 'ERR_OPTION_INVALID', message: hide(`docker buildx build: ${option}`) };
  const error = [...text.matchAll(/^(?:ERROR|error): (.*)$/gm)].at(-1)?.[1];
  const tail = text.trim().split('\n').slice(-LAST_LINES).join('\n') || 'docker buildx build failed and said nothing';
  if (error === undefined) return { code: 'ERR_BUILD_FAILED', message: hide(tail) };
  const message = error
    .replace(/^failed to (?:solve|build): /, '')
    .replace(/^failed to compute cache key: /, '')
    .replace(/ of ref \w+(?:::\w+)*/, '');
  const said = stepOutput(text);
  const line = /^[^\n:]+:(\d+)\n-{20}$/m.exec(text)?.[1];
  const fix = fixOf([message, ...said].join('\n'));
  return {
    code: 'ERR_BUILD_FAILED',
    message: hide([message, ...said.map((each) => `  ${each}`)].join('\n')),
    ...(line === undefined ? {} : { file, line: Number(line) }),
    ...(fix === undefined && line === undefined ? { fix: 'Mend what the builder names; no line of the Dockerfile is at fault.' } : {}),
    ...(fix === undefined ? {} : { fix }),
  };
};
