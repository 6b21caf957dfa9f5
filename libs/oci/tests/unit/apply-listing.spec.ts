import { describe, expect, it } from '@jest/globals';
import { problemsOf } from '@pinlane/testing';
import { OCI_LAYER, sha256, type Layer, type ListedEntry } from '../../src/index.ts';
import { applyListing } from '../../src/assemble/apply-listing.ts';
import { FileTree } from '../../src/assemble/tree.ts';

const owned = { mode: 0o644, uid: 0, gid: 0 };
const file = (path: string): ListedEntry => ({ ...owned, path, type: 'file', number: 0, size: path.length, sha256: sha256(path) });
const folder = (path: string, mode = 0o755): ListedEntry => ({ ...owned, path, type: 'directory', mode });
const link = (path: string, target: string): ListedEntry => ({ ...owned, path, type: 'symlink', target });
const hardLink = (path: string, target: string): ListedEntry => ({ ...owned, path, type: 'hardlink', target });

const diffId = sha256('layer');
const layer: Layer = { descriptor: { mediaType: OCI_LAYER, digest: diffId, size: 1 }, diffId };

/** A tree of layers, the lowest first. */
const treeOf = (...layers: readonly (readonly ListedEntry[])[]): FileTree => {
  const tree = new FileTree();
  for (const entries of layers) applyListing(tree, { version: 2, diffId, entries }, layer);
  return tree;
};
const types = (tree: FileTree, ...paths: readonly string[]) => paths.map((path) => tree.get(path)?.type);

describe('applyListing', () => {
  it('replaces files, merges folders, and makes those that no entry names', () => {
    const tree = treeOf([file('a/b/old'), folder('a', 0o700), file('x')], [file('a/b/new'), folder('x'), folder('a', 0o711)]);
    expect(types(tree, 'a/b/old', 'a/b/new', 'x')).toEqual(['file', 'file', 'directory']);
    expect(tree.get('a')!.mode).toBe(0o711);
  });

  it('takes away what whiteouts name in lower layers, wherever they stand in their own', () => {
    const tree = treeOf([file('a/gone'), file('a/kept'), file('b/gone')], [file('b/own'), file('a/.wh.gone'), file('b/.wh..wh..opq'), file('.wh.none')]);
    expect(types(tree, 'a/gone', 'a/kept', 'b/gone', 'b/own', 'a/.wh.gone')).toEqual([undefined, 'file', undefined, 'file', undefined]);
  });

  it('follows links of lower layers, and those that come in between', () => {
    const tree = treeOf([folder('usr/lib'), link('lib', 'usr/lib')], [file('lib/a'), folder('other'), link('lib', 'other'), file('lib/b')]);
    expect(types(tree, 'usr/lib/a', 'usr/lib/b', 'other/b')).toEqual(['file', undefined, 'file']);
  });

  it('gives hard links one node, and refuses one to what is not there', async () => {
    const tree = treeOf([file('a/one'), hardLink('two', 'a/one'), hardLink('three', 'two')]);
    expect(tree.get('two')).toBe(tree.get('a/one'));
    expect(tree.get('three')).toBe(tree.get('two'));
    expect(tree.get('two')).toMatchObject({ linked: true });
    for (const target of ['none', 'folder'])
      expect(await problemsOf(() => treeOf([folder('folder'), hardLink('two', target)]))).toMatchObject([{ code: 'ERR_LAYER_UNSAFE' }]);
  });
});
