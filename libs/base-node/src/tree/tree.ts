import { PinlaneError, type Problem } from '@pinlane/contracts';
import type { TreeEntry, TreeFile } from './entry.ts';
import { parentsOf } from './paths.ts';

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

const describe = (entry: TreeEntry): string => {
  const to = entry.type === 'symlink' || entry.type === 'hardlink' ? ` to ${entry.target}` : '';
  return `a ${entry.type}${to} (mode ${octal(entry.mode)}, owner ${entry.uid}:${entry.gid})`;
};

const agree = (a: TreeEntry, b: TreeEntry): boolean => {
  if (a.type === 'symlink' && b.type === 'symlink') return a.target === b.target;
  return a.type === 'directory' && b.type === 'directory' && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
};

/** A root file system under construction. It knows who put each path there, and lets nobody replace what another has put. */
export class Tree {
  readonly #entries = new Map<string, TreeEntry>();
  readonly #problems: Problem[] = [];

  /** Adds an entry; two that do not agree are a conflict, which {@link finish} reports. */
  add(entry: TreeEntry): void {
    const there = this.#entries.get(entry.path);
    if (there === undefined) this.#entries.set(entry.path, entry);
    else if (!agree(there, entry)) this.#conflict(`/${entry.path} is ${describe(there)} of ${there.producer} and ${describe(entry)} of ${entry.producer}`);
  }

  /** Adds an entry unless a package has brought its own. */
  addIfAbsent(entry: TreeEntry): void {
    if (!this.#entries.has(entry.path)) this.add(entry);
  }

  /** The regular files below a folder, by path. */
  filesBelow(folder: string): TreeFile[] {
    const found = [...this.#entries.values()].filter((entry): entry is TreeFile => entry.type === 'file' && entry.path.startsWith(`${folder}/`));
    return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /**
   * All entries; folders that nobody named are added.
   * @throws ERR_BASE_CONFLICT with every conflict, naming both producers
   */
  finish(): TreeEntry[] {
    for (const entry of [...this.#entries.values()]) {
      for (const path of parentsOf(entry.path)) {
        const parent = this.#entries.get(path);
        if (parent === undefined) this.#entries.set(path, { type: 'directory', path, mode: 0o755, uid: 0, gid: 0, producer: entry.producer });
        else if (parent.type !== 'directory')
          this.#conflict(`${entry.producer} puts /${entry.path} below /${path}, which ${parent.producer} makes ${describe(parent)}`);
      }
      if (entry.type === 'hardlink') this.#settle(entry);
    }
    const [first, ...others] = this.#problems;
    if (first) throw new PinlaneError([first, ...others]);
    return [...this.#entries.values()];
  }

  /** A second name of a file becomes a file of its own with the same content: a layer's order may put it before the first name. */
  #settle(link: TreeEntry & { type: 'hardlink' }): void {
    const target = this.#entries.get(link.target);
    if (target?.type === 'file') this.#entries.set(link.path, { ...target, path: link.path, producer: link.producer });
    else this.#conflict(`${link.producer} links /${link.path} to /${link.target}, which is not a file of the image`);
  }

  #conflict(message: string): void {
    this.#problems.push({ code: 'ERR_BASE_CONFLICT', message });
  }
}
