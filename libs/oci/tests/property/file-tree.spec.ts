import { describe, expect, it } from '@jest/globals';
import { runs } from '@pinlane/testing';
import fc from 'fast-check';
import { EntryError } from '../../src/layer/read-layer.ts';
import { FileTree, newFolder, type Node } from '../../src/assemble/tree.ts';

const link = (target: string): Node => ({ type: 'symlink', mode: 0o777, uid: 0, gid: 0, target });

/** All paths of a tree, and what is there. */
const listOf = (tree: FileTree, path = ''): string[] => {
  const node = tree.get(path);
  if (node?.type !== 'directory') return [`${path} ${node?.type === 'symlink' ? node.target : ''}`];
  return [`${path}/`, ...[...node.children.keys()].sort().flatMap((name) => listOf(tree, path === '' ? name : `${path}/${name}`))];
};

const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const step = fc.record({
  kind: fc.constantFrom('put', 'folder', 'ensure', 'clear', 'copy'),
  which: fc.nat(),
  path,
});
const parentOf = (of: string): string => of.split('/').slice(0, -1).join('/');

/** What is in a folder, to be changed; what is no folder stays as it is. */
const inside = (tree: FileTree, of: string): Map<string, Node> => {
  try {
    return tree.makeLayerFolder(of, () => undefined).children;
  } catch (error) {
    if (error instanceof EntryError) return new Map();
    throw error;
  }
};

/** Does the same to a tree that is shared and to one that is built anew. */
const change = (tree: FileTree, { kind, path: at }: { readonly kind: string; readonly path: string }, value: string): void => {
  if (kind === 'ensure') inside(tree, at);
  else if (kind === 'clear') inside(tree, at).clear();
  else inside(tree, parentOf(at)).set(at.split('/').at(-1)!, kind === 'folder' ? newFolder() : link(`/none/${value}`));
};

describe('copies of a tree', () => {
  it('change apart from each other, and from what they were made of', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const trees: { readonly tree: FileTree; readonly log: { readonly kind: string; readonly path: string; readonly value: string }[] }[] = [
          { tree: new FileTree(), log: [] },
        ];
        for (const [at, { kind, which, path: where }] of steps.entries()) {
          const { tree, log } = trees[which % trees.length]!;
          if (kind === 'copy') trees.push({ tree: tree.copy(), log: [...log] });
          else {
            log.push({ kind, path: where, value: String(at) });
            change(tree, log.at(-1)!, String(at));
          }
        }
        for (const { tree, log } of trees) {
          const anew = new FileTree();
          for (const each of log) change(anew, each, each.value);
          expect(listOf(tree)).toEqual(listOf(anew));
        }
      }),
      { numRuns: runs(500) },
    );
  });
});
