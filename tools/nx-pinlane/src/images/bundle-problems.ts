import { asPinlaneError, PinlaneError, type Problem } from '@pinlane/contracts';
import type { BuildFailure, Message } from 'esbuild';
import { installCommand } from '../workspace/package-manager.ts';

/** What esbuild says of an import that leads nowhere: of a package, if it is no path. */
const UNRESOLVED = /^Could not resolve "([^./"][^"]*)"/;
/** Advice for who runs the bundler by hand. */
const IS_FOR_OTHERS = /^You can mark the path /;

const fixOf = (text: string, root: string): string | undefined => {
  const name = UNRESOLVED.exec(text)?.[1];
  if (name === undefined) return undefined;
  const command = installCommand(root);
  return `Install the packages of the workspace: ${command}. If they are installed, ${name} is missing among the dependencies in the package.json next to the file that imports it, or is a path alias that no tsconfig.json above that file has.`;
};

const asProblem = ({ text, location, notes }: Message, root: string): Problem => {
  const fix = fixOf(text, root);
  return {
    code: 'ERR_BUNDLE_FAILED',
    message: [text, ...notes.map((note) => note.text).filter((note) => !IS_FOR_OTHERS.test(note))].join(' '),
    ...(location ? { file: location.file, line: location.line, column: location.column + 1 } : {}),
    ...(fix === undefined ? {} : { fix }),
  };
};

const isBuildFailure = (thrown: unknown): thrown is BuildFailure => Array.isArray((thrown as BuildFailure | null)?.errors);

/** The bundler itself does not run: its program is a package for each platform, which an installation may leave out. */
const isNotInstalled = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  (/@esbuild\/|esbuild.* (?:executable|binary|binaries)/i.test(thrown.message) || (thrown as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND');

/** What the bundler threw as ours: each problem of the source with its place, and how packages are installed if one is missing. @param root the workspace's root */
export const bundleError = (thrown: unknown, root: string): PinlaneError => {
  if (isBuildFailure(thrown) && thrown.errors.length > 0)
    return new PinlaneError(thrown.errors.map((each) => asProblem(each, root)) as [Problem, ...Problem[]]);
  if (!isNotInstalled(thrown)) return asPinlaneError(thrown);
  const message = `the bundler does not run here: ${(thrown as Error).message.split('\n')[0]}`;
  return new PinlaneError({ code: 'ERR_BUNDLE_FAILED', message, fix: `Install the packages of the workspace for this platform: ${installCommand(root)}.` });
};
