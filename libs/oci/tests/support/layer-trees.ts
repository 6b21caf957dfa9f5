import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isPinlaneError } from '@pinlane/contracts';
import { layerOf, platformImage, sourceOf, type ImageLayer } from '@pinlane/testing';
import { describe, listLayer, OCI_LAYER, sha256, unpackImage, type Layer } from '../../src/index.ts';
import { applyListing } from '../../src/assemble/apply-listing.ts';
import { FileTree, type Node } from '../../src/assemble/tree.ts';
import { decodeName } from '../../src/layer/names.ts';
import { sourceOfBytes } from './images.ts';

/** What is at each path: a file by its hash, a link by its target, or a folder. Names are as `decodeName` has them. */
export type Found = Readonly<Record<string, string>>;

/** The codes of what reading layers may end with, if it does not end with a tree. */
export type Outcome = Found | string;

const outcomeOf = async (work: () => Promise<Found>): Promise<Outcome> => {
  try {
    return await work();
  } catch (error) {
    if (!isPinlaneError(error)) throw error;
    return error.code;
  }
};

const nodesIn = (tree: ReadonlyMap<string, Node>, folder: string): [string, string][] =>
  [...tree].flatMap(([name, node]): [string, string][] => {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (node.type === 'directory') return [[path, 'directory'], ...nodesIn(node.children, path)];
    if (node.type === 'symlink') return [[path, `-> ${node.target}`]];
    return [[path, node.type === 'file' ? node.sha256 : sha256('')]];
  });

/** The files of some tars, one above the other, as the assembler lists them; an empty one for a pipe. */
export const listedTree = (tars: readonly Uint8Array[]): Promise<Outcome> =>
  outcomeOf(async () => {
    const tree = new FileTree();
    for (const tar of tars) {
      const layer: Layer = { descriptor: describe(OCI_LAYER, tar), diffId: sha256(tar) };
      applyListing(tree, await listLayer(sourceOfBytes([tar]), layer.descriptor, layer.diffId), layer);
    }
    const top = tree.get('');
    return Object.fromEntries(top?.type === 'directory' ? nodesIn(top.children, '') : []);
  });

/** What is in a folder of the file system; sets apart what names the folders that a runtime mounts over and are empty. */
export const filesIn = (root: string): Found => {
  const walk = (folder: Buffer, shown: string): [string, string][] =>
    readdirSync(folder, { encoding: 'buffer' }).flatMap((name): [string, string][] => {
      const place = Buffer.concat([folder, Buffer.from('/'), name]);
      const path = shown === '' ? decodeName(name) : `${shown}/${decodeName(name)}`;
      const stat = lstatSync(place);
      if (stat.isDirectory()) return [[path, 'directory'], ...walk(place, path)];
      if (stat.isSymbolicLink()) return [[path, `-> ${decodeName(readlinkSync(place, { encoding: 'buffer' }))}`]];
      return stat.isFile() ? [[path, sha256(readFileSync(place))]] : [];
    });
  return Object.fromEntries(walk(Buffer.from(root), ''));
};

const MOUNTED = ['artifacts', 'dev', 'proc', 'tmp'];

/** The files of some tars, one above the other, as they are unpacked into a folder. */
export const unpackedTree = (tars: readonly Uint8Array[], folder: string): Promise<Outcome> =>
  outcomeOf(async () => {
    const image = platformImage(
      'amd64',
      tars.map((tar): ImageLayer => layerOf(tar)),
    );
    const { rootfs } = await unpackImage(sourceOf({ platforms: [image] }), image.descriptor.digest, {
      platform: 'linux/amd64',
      cacheDir: mkdtempSync(join(folder, 'cache-')),
    });
    return filesIn(rootfs);
  });

/** The same with the folders that a runtime mounts over, which are made where they are missing. */
export const withMountPoints = (outcome: Outcome): Outcome =>
  typeof outcome === 'string' ? outcome : { ...Object.fromEntries(MOUNTED.map((name) => [name, 'directory'])), ...outcome };
