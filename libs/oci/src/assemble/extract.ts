import { fail } from '@pinlane/contracts';
import { createSha256 } from '../content/index.ts';
import type { TarEntry } from '../layer/index.ts';
import { EntryError, linkTarget } from '../layer/read-layer.ts';
import { WHITEOUT } from '../layer/whiteout.ts';
import { archiveEntries, type OpenFile, type Packing } from './archives.ts';
import { ROOT, type Changes, type Owner } from './changes.ts';
import { below, climbs, folderOf, nameOf, namesOf, withoutDots } from './paths.ts';
import type { FileNode, FileTree, FolderNode, Node } from './tree.ts';

/** An archive of the context, and where it goes. */
export interface Extraction {
  readonly packing: Packing;
  readonly file: FileNode;
  /** In the context. */
  readonly path: string;
  readonly open: OpenFile;
  readonly to: FileTree;
  /** Of `to`. */
  readonly changes: Changes;
  /** The folder that it is unpacked into, free of links. */
  readonly target: string;
  /** Of folders that are made to unpack it into; what is in the archive keeps its owners. */
  readonly owner: Owner;
}

/** The type of a named pipe (pax, "ustar Interchange Format"). */
const PIPE = '6';

const refuse = (path: string, name: string, why: string): never => fail('ERR_LAYER_UNSAFE', `ADD ${path}: ${JSON.stringify(name.slice(0, 200))} ${why}`);

const hashOf = async (chunks: AsyncIterable<Uint8Array>) => {
  const seen = createSha256();
  for await (const chunk of chunks) seen.update(chunk);
  return { size: seen.size, sha256: seen.digest() };
};

/** The longest name that is unpacked, in characters. */
const LONGEST_NAME = 4096;

/** Where an entry is below the target; empty for the target itself. @throws ERR_LAYER_UNSAFE for a name that leaves it */
const cleanName = ({ path }: Extraction, name: string): string => {
  if (name.length > LONGEST_NAME) return refuse(path, name, `is a name of ${name.length} characters`);
  return climbs(name) ? refuse(path, name, 'leaves the folder that it is unpacked into') : withoutDots(name);
};

/** Where a path below the target is in the image: links on its way are followed, and it is none of them. */
const placeIn = ({ to, target }: Extraction, clean: string): string => below(to.resolve(below(target, folderOf(clean))), nameOf(clean));

/** What a hard link is another name of: a file, a link or a pipe. @throws ERR_LAYER_UNSAFE if there is none before it */
const linkedNode = ({ name, linkName, mode, uid, gid }: TarEntry, extraction: Extraction): Exclude<Node, FolderNode> => {
  const { path, to, changes } = extraction;
  const first = placeIn(extraction, cleanName(extraction, linkName));
  const there = to.get(first);
  if (there === undefined || there.type === 'directory' || there.type === 'special')
    return refuse(path, name, `is a link to ${linkName.slice(0, 200)}, which is not a file before it`);
  const owned = there.type === 'symlink' ? { uid, gid } : { mode, uid, gid };
  if (there.type === 'file' && there.linked && there.mode === mode && there.uid === uid && there.gid === gid) return there;
  // The mode and the owner of the last header count for all names of a file.
  const linked = there.type === 'file' ? { ...there, ...owned, linked: true as const } : { ...there, ...owned };
  changes.replace(first, linked);
  return linked;
};

const targetOf = ({ name, linkName }: TarEntry, path: string): string => {
  try {
    return linkTarget(linkName);
  } catch (error) {
    if (error instanceof EntryError) return refuse(path, name, error.message);
    throw error;
  }
};

/** One entry as a node, the entry of this number; undefined for a folder, which is not replaced. @throws ERR_LAYER_UNSAFE, ERR_DOCKERFILE_UNSUPPORTED */
const nodeOf = async (entry: TarEntry, number: number, extraction: Extraction): Promise<Node | undefined> => {
  const { type, mode, uid, gid, name } = entry;
  const { path } = extraction;
  if (type === 'directory') return undefined;
  if (entry.flag === PIPE) return { type: 'pipe', mode, uid, gid };
  if (type === 'special') return refuse(path, name, 'is a device, or of a type that is not known');
  if (entry.attributes) return fail('ERR_DOCKERFILE_UNSUPPORTED', `ADD ${path}: ${name} has extended attributes, which the embedded engine cannot carry over`);
  if (type === 'symlink') return { type, mode: 0o777, uid, gid, target: targetOf(entry, path) };
  if (type === 'hardlink') return linkedNode(entry, extraction);
  return { type, mode, uid, gid, ...(await hashOf(entry.content)), source: { kind: 'archive', path, entry: number }, attributes: false };
};

/**
 * Unpacks an archive of the context as ADD does, into the tree alone: owners, modes and links are those of the archive, whatever is in the way of
 * an entry is replaced, and a folder that is there takes the mode and the owner of its entry.
 * @throws ERR_LAYER_UNSAFE with the entry that is not to be trusted, ERR_DOCKERFILE_UNSUPPORTED
 */
export const extractInto = async (extraction: Extraction): Promise<void> => {
  const { packing, file, path, open, changes, target, owner } = extraction;
  changes.makeFolders(target, owner);
  let number = -1;
  for await (const entry of archiveEntries(packing, file, path, open)) {
    number += 1;
    const clean = cleanName(extraction, entry.name);
    if (clean === '') continue;
    if (namesOf(clean).some((name) => name.startsWith(WHITEOUT))) refuse(path, entry.name, 'is a name that takes files away in an image');
    const place = placeIn(extraction, clean);
    changes.makeFolders(folderOf(place), ROOT);
    const { mode, uid, gid } = entry;
    const node = await nodeOf(entry, number, extraction);
    if (node === undefined) changes.overFolder(place, { mode, uid, gid });
    else changes.replace(place, node);
  }
};
