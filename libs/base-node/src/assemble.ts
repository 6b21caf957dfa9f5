import { join } from 'node:path';
import { ARCHITECTURES, type Architecture, type Digest, type Progress } from '@pinlane/contracts';
import { composeIndex, type Descriptor, type Store } from '@pinlane/oci';
import { debianEntries } from './debian/tree.ts';
import { obtainNode, obtainPackages, type Gone, type Site } from './downloads/obtain.ts';
import { composeImage, type DescribedLayer } from './image/config.ts';
import { keepLayer } from './image/kept-layers.ts';
import { writeLayer } from './image/layer.ts';
import { lockFingerprint, type BaseLock } from './lock/lock.ts';
import { nodeEntries } from './node/tarball.ts';
import { together } from './together.ts';
import { Spool } from './tree/spool.ts';

/** What assembling needs to know. */
export interface AssemblySite extends Site {
  readonly store: Store;
  /** Where layers that were made before are noted. */
  readonly layers: string;
  readonly progress: Progress;
}

/** The assembled base, not yet named in the store. */
export interface Assembled {
  readonly index: Descriptor;
  readonly platforms: Readonly<Record<Architecture, Digest>>;
  readonly fingerprint: Digest;
}

type LayerResult = { readonly ok: true; readonly layer: DescribedLayer } | { readonly ok: false; readonly gone: readonly Gone[] };

const megabytes = (size: number): string => `${(size / 1e6).toFixed(1)} MB`;

const debianLayer = async (lock: BaseLock, architecture: Architecture, site: AssemblySite): Promise<LayerResult> => {
  const { packages } = lock.platforms[architecture];
  const what = `Debian ${lock.release}: ${packages.length} packages`;
  let gone: readonly Gone[] = [];
  const layer = await keepLayer(site.layers, site.store, { layer: 'debian', architecture, packages }, async () => {
    const obtained = await obtainPackages(packages, architecture, site);
    if (!obtained.ok) {
      gone = obtained.gone;
      return null;
    }
    const spool = new Spool(join(site.work, `spool-${architecture}`));
    try {
      return await writeLayer(site.store, await debianEntries(obtained.value, architecture, spool, site), site.signal);
    } finally {
      spool.close();
    }
  });
  if (layer === null) return { ok: false, gone };
  site.progress(`${architecture}: ${layer.reused ? 'kept' : 'made'} the Debian layer, ${packages.length} packages, ${megabytes(layer.size)}`);
  return { ok: true, layer: { ...layer, what } };
};

const nodeLayer = async (lock: BaseLock, architecture: Architecture, site: AssemblySite): Promise<LayerResult> => {
  const { node } = lock.platforms[architecture];
  let gone: readonly Gone[] = [];
  const layer = await keepLayer(site.layers, site.store, { layer: 'node', architecture, node }, async () => {
    const obtained = await obtainNode(node, architecture, site);
    if (obtained.ok) return writeLayer(site.store, nodeEntries(obtained.value, architecture), site.signal);
    gone = obtained.gone;
    return null;
  });
  if (layer === null) return { ok: false, gone };
  site.progress(`${architecture}: ${layer.reused ? 'kept' : 'made'} the Node layer, ${node.version}, ${megabytes(layer.size)}`);
  return { ok: true, layer: { ...layer, what: `Node ${node.version}` } };
};

/**
 * Assembles both platforms of a lock into the store: a layer for Debian and one for Node, so that an update of one leaves the other. What is
 * gone from the mirrors is answered, not thrown; the layers that could be made are kept.
 * @throws ERR_BASE_UNAVAILABLE, ERR_DIGEST_MISMATCH, ERR_BASE_CONFLICT, ERR_LAYER_UNSAFE
 */
export const assemble = async (lock: BaseLock, site: AssemblySite): Promise<Assembled | { readonly gone: readonly Gone[] }> => {
  const { store } = site;
  const tasks = ARCHITECTURES.flatMap((architecture) => [debianLayer, nodeLayer].map((make) => ({ architecture, make })));
  const made = await together(
    site.signal,
    tasks.map(({ architecture, make }) => async (signal: AbortSignal) => ({ architecture, result: await make(lock, architecture, { ...site, signal }) })),
  );
  const gone = made.flatMap(({ result }) => (result.ok ? [] : result.gone));
  if (gone.length > 0) return { gone };

  const fingerprint = lockFingerprint(lock);
  const children: Descriptor[] = [];
  for (const architecture of ARCHITECTURES) {
    const layers = made.flatMap(({ architecture: of, result }) => (of === architecture && result.ok ? [result.layer] : []));
    const { config, manifest, descriptor } = composeImage(lock, architecture, fingerprint, layers);
    await store.writeBlob(config);
    await store.putManifest(descriptor, manifest);
    children.push(descriptor);
  }
  const index = composeIndex(children);
  await store.putManifest(index.descriptor, index.bytes);
  const [amd64, arm64] = children.map(({ digest }) => digest) as [Digest, Digest];
  return { index: index.descriptor, platforms: { amd64, arm64 }, fingerprint };
};
