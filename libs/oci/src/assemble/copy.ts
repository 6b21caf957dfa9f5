import { fail } from '@pinlane/contracts';
import { ROOT, type Changes, type Owner } from './changes.ts';
import { hasPattern, matchPaths } from './glob.ts';
import { below, climbs, folderOf, fromFolder, nameOf, withoutDots } from './paths.ts';
import type { FileNode, FileTree, FolderNode, LinkNode, Node, Owned, SpecialNode } from './tree.ts';

export interface CopyRequest {
  readonly keyword: 'COPY' | 'ADD';
  /** Where the files come from, in words for a person: `the build context`, `--from=build`. */
  readonly origin: string;
  /** Whether that is the build context, out of which no source may lead. */
  readonly isContext: boolean;
  readonly from: FileTree;
  readonly to: FileTree;
  /** Of `to`. */
  readonly changes: Changes;
  /** With variables expanded and quotes removed; otherwise as they are written. */
  readonly sources: readonly string[];
  /** Files that are in none of the trees; they come after the sources. */
  readonly documents: readonly { readonly name: string; readonly node: FileNode }[];
  readonly destination: string;
  readonly workingDirectory: string;
  readonly owner: Owner | undefined;
  readonly mode: number | undefined;
}

/** What is at a source, links followed; `name` is what the copy is called. */
export interface FoundSource {
  readonly name: string;
  readonly path: string;
  readonly node: Exclude<Node, LinkNode>;
}

type Searched = Pick<CopyRequest, 'from' | 'keyword' | 'origin' | 'isContext'>;

/** All that one source names; undefined for a path that leads nowhere. @throws ERR_PATH_ESCAPES, ERR_DOCKERFILE_SYNTAX, ERR_CONTEXT_INVALID */
const findSource = ({ from, keyword, origin, isContext }: Searched, source: string): (FoundSource | undefined)[] => {
  if (climbs(source)) return fail('ERR_PATH_ESCAPES', `${keyword} ${source} leaves ${origin}`);
  const clean = withoutDots(source);
  const paths = matchPaths(from, clean) ?? fail('ERR_DOCKERFILE_SYNTAX', `${JSON.stringify(source)} is a malformed pattern`);
  if (paths.length === 0 && !hasPattern(clean)) return [undefined];
  return paths.map((named) => {
    const { path, climbing, absolute } = from.follow(named);
    const node = from.get(path);
    // An absolute link is meant for the image, in which the context's root is the root.
    const outside = isContext ? (climbing ?? (node ? undefined : absolute)) : undefined;
    if (outside !== undefined)
      return fail('ERR_PATH_ESCAPES', `${keyword} ${source}: the link on its way leads out of ${origin}, to ${JSON.stringify(outside.slice(0, 200))}`);
    return node && { name: nameOf(named), path, node: node as FoundSource['node'] };
  });
};

/** What the patterns of one instruction may match together; what is in a folder that is copied does not count. */
const MOST_FOUND = 200_000;

/** Everything that sources name, in their order. @throws ERR_COPY_MISSING, ERR_PATH_ESCAPES, ERR_DOCKERFILE_SYNTAX, ERR_CONTEXT_INVALID */
export const findSources = (searched: Searched, sources: readonly string[]): FoundSource[] => {
  const { keyword, origin } = searched;
  const missing: string[] = [];
  const all: FoundSource[] = [];
  for (const source of sources) {
    for (const found of findSource(searched, source)) {
      if (found) all.push(found);
      else missing.push(source);
    }
    if (all.length > MOST_FOUND) fail('ERR_DOCKERFILE_SYNTAX', `${keyword} names more than ${MOST_FOUND} files`, { fix: 'Copy the folder that they are in.' });
  }
  if (missing.length > 0 || (all.length === 0 && sources.length > 0)) {
    const named = missing.length > 0 ? missing : sources;
    fail('ERR_COPY_MISSING', `${keyword}: ${named.map((source) => JSON.stringify(source)).join(', ')} ${named.length > 1 ? 'are' : 'is'} not in ${origin}`);
  }
  return all;
};

/** Where a destination is in the image's tree, links followed. @throws ERR_CONTEXT_INVALID */
export const placeOf = ({ to, destination, workingDirectory }: Pick<CopyRequest, 'to' | 'destination' | 'workingDirectory'>): string =>
  to.resolve(fromFolder(workingDirectory, destination));

interface Copier {
  /** Copies a file or a link to a path whose folder is there. @throws ERR_LAYER_UNSAFE, ERR_DOCKERFILE_UNSUPPORTED */
  leaf(path: string, node: Exclude<Node, FolderNode>): void;
  /** Copies what is in a folder into another, which is there. */
  contents(path: string, folder: FolderNode): void;
}

/** @throws ERR_CONTEXT_INVALID for what lies in the context, ERR_LAYER_UNSAFE */
const refuseSpecial = (keyword: string, path: string, { why }: SpecialNode): never => {
  if (why === undefined) return fail('ERR_LAYER_UNSAFE', `${keyword}: /${path} would be a device, a pipe or a socket`);
  return fail('ERR_CONTEXT_INVALID', `${keyword}: what would be ${JSON.stringify(`/${path}`)} ${why}, which no image can hold`);
};

const createCopier = ({ keyword, changes, owner, mode }: CopyRequest): Copier => {
  // Copies of files that have several names: they stay hard links of each other.
  const copies = new Map<Node, Exclude<Node, FolderNode | SpecialNode>>();

  const owned = (node: Node): Owned => {
    const { uid, gid } = owner ?? node;
    return { mode: node.type === 'symlink' ? 0o777 : (mode ?? node.mode), uid, gid };
  };

  const leaf = (path: string, node: Exclude<Node, FolderNode>): void => {
    if (node.type === 'special') return refuseSpecial(keyword, path, node);
    if (node.type === 'file' && node.attributes)
      fail('ERR_DOCKERFILE_UNSUPPORTED', `${keyword}: /${path} has extended attributes, which the embedded engine cannot carry over`);
    const copy = copies.get(node) ?? { ...node, ...owned(node) };
    if (node.type === 'file' && node.linked) copies.set(node, copy);
    changes.put(path, copy);
  };

  /** Makes a folder for the copy of another. One that is there keeps its mode and owner unless the instruction names others. */
  const folder = (path: string, node: FolderNode): void => {
    const there = changes.at(path);
    if (there?.type !== 'directory') changes.folder(path, owned(node));
    else if (owner || mode !== undefined) changes.folder(path, { mode: mode ?? there.mode, uid: owner?.uid ?? there.uid, gid: owner?.gid ?? there.gid });
  };

  const contents = (path: string, { children }: FolderNode): void => {
    for (const name of [...children.keys()].sort()) {
      const node = children.get(name)!;
      const target = below(path, name);
      if (node.type !== 'directory') {
        leaf(target, node);
        continue;
      }
      folder(target, node);
      contents(target, node);
    }
  };

  return { leaf, contents };
};

/**
 * Carries out COPY (and ADD of what is no archive): the contents of folders and files go where BuildKit puts them. Folders that are there keep
 * their mode and owner, links in the destination are followed inside the image's root.
 * @throws ERR_COPY_MISSING, ERR_PATH_ESCAPES, ERR_CONTEXT_INVALID, ERR_DOCKERFILE_SYNTAX, ERR_DOCKERFILE_UNSUPPORTED, ERR_LAYER_UNSAFE
 */
export const copyInto = (request: CopyRequest): void => {
  const { changes, destination, owner = ROOT, sources, keyword } = request;
  const intoFolder = /(?:^|\/)\.{0,2}$/.test(destination);
  const found = [...findSources(request, sources), ...request.documents];
  if (!intoFolder && (sources.length > 1 || found.length > 1))
    fail('ERR_DOCKERFILE_SYNTAX', `${keyword} of more than one source needs a directory as its destination: ${destination}/`);
  const target = placeOf(request);
  const copier = createCopier(request);
  for (const { name, node } of found) {
    if (node.type === 'directory') {
      changes.makeFolders(target, owner);
      copier.contents(target, node);
      continue;
    }
    const inside = intoFolder || changes.at(target)?.type === 'directory';
    changes.makeFolders(inside ? target : folderOf(target), owner);
    copier.leaf(inside ? below(target, name) : target, node);
  }
};
