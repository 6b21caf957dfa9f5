import { fail } from '@pinlane/contracts';
import { ROOT, type Changes, type Owner } from './changes.ts';
import { hasPattern, matchPaths } from './glob.ts';
import type { FileNode, FileTree, FolderNode, LinkNode, Node } from './tree.ts';

export interface CopyRequest {
  readonly keyword: 'COPY' | 'ADD';
  /** Where the files are, in words for a person: `the build context`, `stage build`. */
  readonly origin: string;
  readonly from: FileTree;
  readonly to: FileTree;
  readonly changes: Changes;
  /** Expanded, as they were written otherwise. */
  readonly sources: readonly string[];
  /** Files that are in none of the trees; they come after the sources. */
  readonly documents: readonly { readonly name: string; readonly node: FileNode }[];
  readonly destination: string;
  readonly workingDirectory: string;
  readonly owner: Owner | undefined;
  readonly mode: number | undefined;
}

const climbs = (path: string): boolean => {
  let depth = 0;
  for (const part of path.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
};

/** `a/../b` is `b`, before links are looked at, as Docker has it. */
const withoutDots = (path: string): string => {
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  return kept.join('/');
};

/** A source's paths with links followed; `name` is what the copy is called. */
export const findSources = ({
  from,
  sources,
  keyword,
  origin,
}: Pick<CopyRequest, 'from' | 'sources' | 'keyword' | 'origin'>): { name: string; path: string; node: FileNode | FolderNode }[] => {
  const missing: string[] = [];
  const found = sources.flatMap((source) => {
    if (climbs(source)) return fail('ERR_PATH_ESCAPES', `${keyword} ${source} leaves ${origin}`);
    const clean = withoutDots(source);
    const paths = matchPaths(from, clean) ?? fail('ERR_DOCKERFILE_SYNTAX', `${JSON.stringify(source)} is a malformed pattern`);
    if (paths.length === 0 && !hasPattern(clean)) missing.push(source);
    return paths.flatMap((named) => {
      const path = from.resolve(named);
      const node = from.get(path);
      if (node?.type === 'file' || node?.type === 'directory') return [{ name: named.slice(named.lastIndexOf('/') + 1), path, node }];
      if (node !== undefined) return fail('ERR_CONTEXT_INVALID', `${keyword} ${source}: /${path} is neither a file nor a directory`);
      missing.push(source);
      return [];
    });
  });
  if (missing.length > 0 || (found.length === 0 && sources.length > 0)) {
    const what = (missing.length > 0 ? missing : sources).map((source) => JSON.stringify(source)).join(', ');
    fail('ERR_COPY_MISSING', `${keyword}: ${what} ${missing.length > 1 || (found.length === 0 && sources.length > 1) ? 'are' : 'is'} not in ${origin}`);
  }
  return found;
};

/** Where a destination is in the image's tree, links followed. @throws ERR_CONTEXT_INVALID */
export const placeOf = ({ to, destination, workingDirectory }: Pick<CopyRequest, 'to' | 'destination' | 'workingDirectory'>): string =>
  to.resolve(withoutDots(destination.startsWith('/') ? destination : `${workingDirectory}/${destination}`));

class Copier {
  private readonly request: CopyRequest;

  constructor(request: CopyRequest) {
    this.request = request;
  }

  private owned(node: Node): { mode: number; uid: number; gid: number } {
    const { owner, mode } = this.request;
    const { uid, gid } = owner ?? node;
    return { mode: node.type === 'symlink' ? 0o777 : (mode ?? node.mode), uid, gid };
  }

  /** The copies of hard links, which stay hard links of each other. */
  private readonly links = new Map<Node, FileNode | LinkNode>();

  leaf(path: string, node: Node): void {
    if (node.type === 'special') fail('ERR_LAYER_UNSAFE', `${this.request.keyword}: /${path} would be a device, a pipe or a socket`);
    if (node.type === 'file' && node.attributes)
      fail('ERR_DOCKERFILE_UNSUPPORTED', `${this.request.keyword}: /${path} has extended attributes, which the embedded engine cannot carry over`);
    if (node.type === 'directory' || node.type === 'special') return;
    const copy = this.links.get(node) ?? { ...node, ...this.owned(node) };
    if (node.type === 'file' && node.linked) this.links.set(node, copy);
    this.request.changes.put(path, copy);
  }

  /** What is in a folder goes into another, which is there. Folders that are there keep their mode and owner unless the instruction names others. */
  contents(path: string, folder: FolderNode): void {
    const { changes, owner, mode } = this.request;
    for (const name of [...folder.children.keys()].sort()) {
      const node = folder.children.get(name)!;
      const target = path === '' ? name : `${path}/${name}`;
      if (node.type !== 'directory') {
        this.leaf(target, node);
        continue;
      }
      const there = changes.at(target);
      if (there?.type !== 'directory') changes.folder(target, this.owned(node));
      else if (owner || mode !== undefined) changes.folder(target, { mode: mode ?? there.mode, uid: owner?.uid ?? there.uid, gid: owner?.gid ?? there.gid });
      this.contents(target, node);
    }
  }
}

/**
 * Carries out COPY (and ADD of local files): the contents of folders and files go where BuildKit puts them. Existing folders keep their mode and
 * owner, links in the destination are followed inside the image's root.
 * @throws ERR_COPY_MISSING, ERR_PATH_ESCAPES, ERR_CONTEXT_INVALID, ERR_DOCKERFILE_SYNTAX, ERR_DOCKERFILE_UNSUPPORTED
 */
export const copyInto = (request: CopyRequest): void => {
  const { changes, destination, owner = ROOT, sources, keyword } = request;
  const intoFolder = /(?:^|\/)\.{0,2}$/.test(destination);
  const found = [...findSources(request), ...request.documents];
  if (!intoFolder && (sources.length > 1 || found.length > 1))
    fail('ERR_DOCKERFILE_SYNTAX', `${keyword} of more than one source needs a directory as its destination: ${destination}/`);
  const target = placeOf(request);
  const copier = new Copier(request);
  for (const { name, node } of found) {
    if (node.type === 'directory') {
      changes.makeFolders(target, owner);
      copier.contents(target, node);
      continue;
    }
    const inside = intoFolder || changes.at(target)?.type === 'directory';
    const folder = inside ? target : target.split('/').slice(0, -1).join('/');
    changes.makeFolders(folder, owner);
    copier.leaf(inside ? [target, name].filter(Boolean).join('/') : target, node);
  }
};
