import { chmodSync, closeSync, constants, fchmodSync, linkSync, mkdirSync, openSync, readdirSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fail, isPinlaneError, type Digest } from '@pinlane/contracts';
import { extract, type Header } from 'tar-stream';
import { parseEntryName } from './entry-name.ts';
import { createResolver, statOf, UnresolvableError } from './resolve.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** Setuid and setgid bits are dropped: nothing of an image needs them where it is run. */
const fileMode = (mode: number | undefined): number => (mode ?? 0o644) & 0o777;
/** Whoever unpacks must be able to go on, and to remove it all again. The sticky bit stays: /tmp is not safe without. */
const folderMode = (mode: number | undefined): number => ((mode ?? 0o755) & 0o1777) | 0o700;

const shown = (name: string): string => JSON.stringify(name.slice(0, 200));

/** Applies the entries of one layer to a tree. */
interface LayerWriter {
  /** Puts one entry in place; returns where a file's bytes go, or null. */
  entry(header: Header): ((chunk: Uint8Array) => void) | null;
  /** Ends the file that is being written. */
  endFile(): void;
}

const createLayerWriter = (root: string, layer: Digest): LayerWriter => {
  const resolver = createResolver(root);
  // What this layer put in place, and the folders around it: a whiteout takes away only what lower layers have, wherever it stands in the tar.
  const written = new Set<string>();
  let file: number | undefined;

  const unsafe = (name: string, why: string): never => fail('ERR_LAYER_UNSAFE', `layer ${layer}: the entry ${shown(name)} ${why}`);
  /** Marks a path, and the folders that it is in: these too hold something of this layer. */
  const remember = (path: string): void => {
    for (let at = path; at !== '' && !written.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) written.add(at);
  };
  const remove = (path: string): void => {
    rmSync(join(root, path), { recursive: true, force: true });
    resolver.forget();
  };
  const removeLower = (path: string): void => {
    if (!written.has(path)) remove(path);
    else if (statOf(join(root, path))?.isDirectory()) removeLowerChildren(path);
  };
  const removeLowerChildren = (path: string): void => {
    for (const child of readdirSync(join(root, path))) removeLower(path === '' ? child : `${path}/${child}`);
  };

  /** The path of an entry, its parents real and made; what another kind of thing stands there is removed. */
  const place = (parts: readonly string[], isFolder: boolean): string => {
    const folder = resolver.folder(parts.slice(0, -1), remember);
    const path = folder === '' ? (parts.at(-1) as string) : `${folder}/${parts.at(-1)}`;
    const stat = statOf(join(root, path));
    if (stat !== undefined && !(isFolder && stat.isDirectory())) remove(path);
    remember(path);
    return path;
  };
  const existing = (parts: readonly string[]): string | undefined => {
    const folder = resolver.existing(parts.slice(0, -1));
    if (folder === undefined) return undefined;
    return folder === '' ? (parts.at(-1) as string) : `${folder}/${parts.at(-1)}`;
  };

  const hardLink = (name: string, parts: readonly string[], linkname: string): void => {
    const target = parseEntryName(linkname);
    if (target.kind !== 'path') return unsafe(name, `is a hard link to ${shown(linkname)}, which is not a file of the image`);
    const from = existing(target.parts);
    const stat = from === undefined ? undefined : statOf(join(root, from));
    if (from === undefined || stat === undefined) return unsafe(name, `is a hard link to ${shown(linkname)}, which is not there`);
    if (stat.isDirectory()) return unsafe(name, `is a hard link to the folder ${shown(linkname)}`);
    if (from === existing(parts)) return;
    linkSync(join(root, from), join(root, place(parts, false)));
  };

  const putEntry = (header: Header, name: string, parts: readonly string[]): ((chunk: Uint8Array) => void) | null => {
    switch (header.type) {
      case 'directory': {
        const path = join(root, place(parts, true));
        if (statOf(path) === undefined) mkdirSync(path);
        chmodSync(path, folderMode(header.mode));
        return null;
      }
      case 'symlink':
        symlinkSync(header.linkname ?? unsafe(name, 'is a link to nothing'), join(root, place(parts, false)));
        resolver.forget();
        return null;
      case 'link':
        hardLink(name, parts, header.linkname ?? '');
        return null;
      case 'file':
      case 'contiguous-file':
      case undefined:
      case null: {
        // O_EXCL: a new file always, so that a file shared with another tree by a hard link is never written to.
        const opened = openSync(join(root, place(parts, false)), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        file = opened;
        fchmodSync(opened, fileMode(header.mode));
        return (chunk) => {
          for (let at = 0; at < chunk.length;) at += writeSync(opened, chunk, at);
        };
      }
      default:
        return unsafe(name, `is a ${header.type}, which no image needs`);
    }
  };

  return {
    entry: (header) => {
      const entry = parseEntryName(header.name);
      try {
        if (entry.kind === 'unsafe') return unsafe(header.name, entry.why);
        if (entry.kind === 'path') return putEntry(header, header.name, entry.parts);
        if (entry.kind === 'root' && header.type !== 'directory') return unsafe(header.name, 'stands in place of the root');
        if (entry.kind === 'whiteout') {
          const path = existing(entry.parts);
          if (path !== undefined) removeLower(path);
        }
        if (entry.kind === 'opaque') {
          const path = resolver.existing(entry.parts);
          if (path !== undefined) removeLowerChildren(path);
        }
        return null;
      } catch (error) {
        if (error instanceof UnresolvableError) return unsafe(header.name, error.message);
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENAMETOOLONG' || code === 'EINVAL') return unsafe(header.name, `cannot be put on this file system (${code})`);
        throw error;
      }
    },
    endFile: () => {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
};

/**
 * Applies a layer's tar to a tree (OCI image specification, layer.md): whiteouts and opaque folders, hard links inside the
 * root, no owners, no times, no set-user and set-group bits. Runs as any user. Nobody else may touch the tree meanwhile.
 * @throws ERR_LAYER_UNSAFE with the layer and the entry, ERR_MANIFEST_INVALID where it is not a tar
 */
export const applyLayer = async (root: string, layer: Digest, tar: Readable, maxEntries: number): Promise<void> => {
  const writer = createLayerWriter(root, layer);
  const entries = extract();
  let count = 0;
  const write = async (): Promise<void> => {
    for await (const entry of entries) {
      if ((count += 1) > maxEntries) fail('ERR_LAYER_UNSAFE', `layer ${layer} has more than ${maxEntries} entries`);
      const take = writer.entry(entry.header);
      try {
        for await (const chunk of entry as AsyncIterable<Uint8Array>) take?.(chunk);
      } finally {
        writer.endFile();
      }
    }
  };
  // The error of the side that failed first is the one to tell; the other side then only sees a closed stream.
  let first: unknown;
  const note = (error: unknown): never => {
    first ??= error;
    entries.destroy(error as Error);
    throw error;
  };
  await Promise.allSettled([pipeline(tar, entries).catch(note), write().catch(note)]);
  if (first === undefined) return;
  const { code, message } = first as NodeJS.ErrnoException;
  if (isPinlaneError(first) || code !== undefined) throw first;
  fail('ERR_MANIFEST_INVALID', `layer ${layer} is not a tar archive: ${message}`, { cause: first });
};
