import { createWriteStream } from 'node:fs';
import { chmod, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { aboutFile, inParallel, makeFolder, verified, type BuildContext, type ContextEntry } from '@pinlane/oci';
import { fail, isPinlaneError } from '@pinlane/contracts';

/**
 * A time that stands for a file's content, in seconds. BuildKit keeps the files of earlier builds, of other folders too, and asks for a file again only if its
 * size or its time differs: with the same time for all files it would build with old content. In the image all times are the epoch's begin.
 */
const timeOf = (sha256: string): number => {
  const digits = sha256.slice('sha256:'.length);
  return (Number.parseInt(digits.slice(0, 8), 16) >>> 1) + Number.parseInt(digits.slice(8, 12), 16) / 2 ** 16;
};

const changed = (path: string, cause: unknown): never =>
  fail('ERR_CONTEXT_INVALID', `${JSON.stringify(path)} changed or vanished while the image was built from it`, {
    cause,
    fix: 'Build again when nothing writes to it.',
  });

const writeEntry = async (folder: string, { path, mode, size, sha256 }: ContextEntry, context: BuildContext): Promise<void> => {
  const target = join(folder, path);
  const content = verified(context.open(path), { digest: sha256!, size });
  try {
    await aboutFile(target, () => pipeline(Readable.from(content), createWriteStream(target, { flags: 'wx', mode: 0o600 })));
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (isPinlaneError(thrown, 'ERR_DIGEST_MISMATCH') || code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') changed(path, thrown);
    throw thrown;
  }
  await chmod(target, mode);
  await utimes(target, timeOf(sha256!), timeOf(sha256!));
};

/**
 * Writes the context into a new folder, exactly as its fingerprint covers it: overridden files, such as registry.yaml without its pins, with their new
 * content, all with the modes that COPY gives and with times that stand for the content. The Dockerfile lies outside, because the context may leave it out.
 * @throws ERR_CONTEXT_INVALID if a file is not what was read before
 */
export const writeContextFolder = async (context: BuildContext, root: string): Promise<{ readonly context: string; readonly dockerfile: string }> => {
  const folder = join(root, 'context');
  const dockerfile = join(root, 'Dockerfile');
  await makeFolder(folder);
  await writeFile(dockerfile, context.dockerfile.text);
  const folders = context.entries.filter(({ type }) => type === 'directory');
  for (const { path } of folders) await makeFolder(join(folder, path));
  await inParallel(
    context.entries.filter(({ type }) => type === 'file'),
    8,
    async (entry) => {
      await makeFolder(dirname(join(folder, entry.path)));
      await writeEntry(folder, entry, context);
    },
  );
  for (const { path, linkTarget } of context.entries.filter(({ type }) => type === 'symlink')) {
    await makeFolder(dirname(join(folder, path)));
    await symlink(linkTarget!, join(folder, path));
  }
  for (const { path, mode } of [...folders].reverse()) {
    await chmod(join(folder, path), mode);
    await utimes(join(folder, path), 0, 0);
  }
  return { context: folder, dockerfile };
};
