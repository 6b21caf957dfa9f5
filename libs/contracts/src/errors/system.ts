import type { ErrorCode } from './catalogue.ts';
import { isPinlaneError, PinlaneError, type Problem } from './error.ts';

/** An error that Node made of one of the system's (Node's documentation, "Errors", class SystemError). */
interface SystemError extends Error {
  /** The system's name, such as ENOSPC (POSIX, errno.h). */
  readonly code: string;
  readonly syscall?: string;
  readonly path?: string;
  readonly dest?: string;
  readonly address?: string;
  readonly port?: number;
}

/** Whether something is an error, also one of another realm, as in a test. */
const isError = (value: unknown): value is Error => typeof value === 'object' && value !== null && typeof (value as { message?: unknown }).message === 'string';

const isSystemError = (value: unknown): value is SystemError =>
  isError(value) && /^E[A-Z0-9]+$/.test(String((value as { code?: unknown }).code)) && ('syscall' in value || 'errno' in value);

/** How deep an error may lie below those that wrap it. */
const DEPTH = 8;

/** The system's error that another was made of, or that it is. */
const systemErrorIn = (thrown: unknown, depth = DEPTH): SystemError | null => {
  if (depth === 0 || typeof thrown !== 'object' || thrown === null) return null;
  if (isSystemError(thrown)) return thrown;
  const { cause, errors } = thrown as { cause?: unknown; errors?: unknown };
  return systemErrorIn(cause, depth - 1) ?? (Array.isArray(errors) ? systemErrorIn(errors[0], depth - 1) : null);
};

/** Codes of the system that have one of ours to themselves, and what they mean. */
const NAMED: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['ERR_NO_SPACE', 'no space is left'],
  EDQUOT: ['ERR_NO_SPACE', 'the quota of this user is used up'],
  EROFS: ['ERR_READ_ONLY', 'the file system is read-only'],
  EACCES: ['ERR_PERMISSION', 'this user may not do that'],
  EPERM: ['ERR_PERMISSION', 'this user may not do that'],
  EMFILE: ['ERR_TOO_MANY_FILES', 'this process has as many files open as it may'],
  ENFILE: ['ERR_TOO_MANY_FILES', 'this machine has as many files open as it can'],
  ENAMETOOLONG: ['ERR_NAME_TOO_LONG', 'the name, or the path, is longer than the file system takes'],
};

/** What other codes mean that a person may meet. */
const MEANINGS: Readonly<Record<string, string>> = {
  EAGAIN: 'the system has no more processes to give',
  EBUSY: 'it is in use',
  EEXIST: 'it is there already',
  EFBIG: 'it is larger than a file may be',
  EIO: 'the disk could not be read or written',
  EISDIR: 'it is a folder, where a file is needed',
  ELOOP: 'its links lead in a circle, or over too many others',
  EMLINK: 'it has as many links as a file may have',
  ENODEV: 'there is no such device',
  ENOENT: 'it is not there',
  ENOMEM: 'no memory is left',
  ENOTDIR: 'a part of its path is a file, where a folder is needed',
  ENOTEMPTY: 'it is a folder that is not empty',
  ENXIO: 'nobody is at the other end of it',
  ESTALE: 'the file server no longer knows it',
  ETIMEDOUT: 'it did not answer in time',
  ETXTBSY: 'it is a program that is running',
  EXDEV: 'it is on another disk',
};

/** Codes of the system that are about the machine or the process, and not about the file that was to be used. */
const OF_MACHINE = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'EIO']);

/** Whether an error of the system is about the machine: then nothing is wrong with the file that it was met at. */
export const isMachineFault = (thrown: unknown): boolean => OF_MACHINE.has(systemErrorIn(thrown)?.code ?? '');

const problemOf = ({ code, syscall, path, dest, address, port, message }: SystemError): Problem => {
  if (syscall?.startsWith('spawn') && code === 'ENOENT')
    return { code: 'ERR_TOOL_MISSING', message: `${path ?? 'a program'} is not installed, or not on PATH` };
  const [own, meaning] = NAMED[code] ?? (['ERR_SYSTEM', MEANINGS[code] ?? message] as const);
  const where = [...(dest === undefined ? [] : [`to ${dest}`]), ...(address === undefined ? [] : [`${address}${port === undefined ? '' : `:${port}`}`])];
  const call = [syscall, ...where].filter((part) => part !== undefined).join(' ');
  return { code: own, message: `${meaning} (${code}${call === '' ? '' : `, ${call}`})`, ...(path === undefined ? {} : { file: path }) };
};

/**
 * Whatever was thrown as one of our errors: ours as it is, one of the system by its name with the path that it tells, and any other as ERR_INTERNAL.
 * @param file named if the error itself tells no path
 * @param verbose whether the message of an unforeseen error is its stack
 */
export const asPinlaneError = (thrown: unknown, { file, verbose = false }: { readonly file?: string; readonly verbose?: boolean } = {}): PinlaneError => {
  if (isPinlaneError(thrown)) return thrown;
  const error = isError(thrown) ? thrown : new Error(String(thrown));
  const system = systemErrorIn(thrown);
  const place = file === undefined ? {} : { file };
  if (system !== null) return new PinlaneError({ ...place, ...problemOf(system) }, { cause: error });
  return new PinlaneError({ code: 'ERR_INTERNAL', message: verbose ? (error.stack ?? error.message) : error.message, ...place }, { cause: error });
};
