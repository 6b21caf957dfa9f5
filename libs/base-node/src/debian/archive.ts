import { redactText, startProgram } from '@pinlane/adapters';
import { fail } from '@pinlane/contracts';
import { readTar, type TarEntry } from '@pinlane/oci';
import { plainEnvironment, run, type RunOptions } from '../process.ts';
import type { TreeEntry } from '../tree/entry.ts';
import { isDropped, treePath } from '../tree/paths.ts';
import type { Spool } from '../tree/spool.ts';

const MAX_FILE = 512 * 1024 * 1024;

/** The control file of a .deb. @throws ERR_ADAPTER */
export const readControl = async (deb: string, options: RunOptions): Promise<string> => {
  const { ok, stdout, stderr } = await run('dpkg-deb', ['--field', deb], options);
  return ok ? stdout : fail('ERR_ADAPTER', `dpkg-deb cannot read ${deb}: ${stderr}`);
};

const toEntry = async (found: TarEntry, producer: string, spool: Spool): Promise<TreeEntry | null> => {
  const { type, mode, uid, gid } = found;
  const path = treePath(found.name, producer);
  if (path === '' || isDropped(path, type)) return null;
  const common = { path, mode, uid, gid, producer };
  if (type === 'file') {
    if (found.size > MAX_FILE) fail('ERR_LAYER_UNSAFE', `/${path} of ${producer} is larger than ${MAX_FILE} bytes`);
    return { ...common, type, ...(await spool.keep(found.content)) };
  }
  if (type === 'directory') return { ...common, type };
  if (type === 'symlink') return { ...common, mode: 0o777, type, target: found.linkName };
  if (type === 'hardlink') return { ...common, type, target: treePath(found.linkName, producer) };
  return fail('ERR_LAYER_UNSAFE', `/${path} of ${producer} is neither file, folder nor link, which an image may not bring`);
};

/**
 * Reads what a .deb would install, without root and without its maintainer scripts; owners and modes are those in the archive. Contents of files
 * go into the spool; documentation is left out.
 * @throws ERR_LAYER_UNSAFE, ERR_ADAPTER
 */
export async function* readDeb(deb: string, producer: string, spool: Spool, { cwd, env, signal }: RunOptions): AsyncGenerator<TreeEntry> {
  const { stdout, stderr, ended, kill } = startProgram({ command: 'dpkg-deb', args: ['--fsys-tarfile', deb], cwd, env: plainEnvironment(env) });
  const abort = (): void => kill();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  let complaint = '';
  stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-4096)));
  const verdict = async (): Promise<void> => {
    const end = signal.aborted ? null : await ended;
    if (end === null || signal.aborted) return fail('ERR_CANCELLED', 'dpkg-deb was interrupted');
    const { exitCode, error } = end;
    if (exitCode !== 0) fail('ERR_ADAPTER', `dpkg-deb cannot unpack ${deb}: ${redactText(error?.message ?? complaint.trim())}`);
  };
  let refused: unknown;
  try {
    for await (const found of readTar(stdout)) {
      const entry = await toEntry(found, producer, spool).catch((error: unknown) => {
        refused = error;
        throw error;
      });
      if (entry !== null) yield entry;
    }
  } catch (error) {
    // If dpkg-deb failed, that is why the tar breaks off, and it is what is reported.
    if (refused === undefined) await verdict();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
    kill();
  }
  await verdict();
}
