import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ARCHITECTURES, fail, type Architecture, type Digest, type Progress } from '@pinlane/contracts';
import { composeIndex, writeLayer, type Descriptor, type Layer, type Store } from '@pinlane/oci';
import { debianEntries } from './debian/tree.ts';
import { obtainNode, obtainPackages, type Gone, type Site } from './downloads/obtain.ts';
import { composeImage, type DescribedLayer } from './image/config.ts';
import { keepLayer } from './image/kept-layers.ts';
import { lockFingerprint, type BaseLock } from './lock/lock.ts';
import { nodeEntries } from './node/tarball.ts';
import { limiter, together } from './together.ts';
import type { TreeEntry } from './tree/entry.ts';
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

/** As many layers at once as there are processors: more would only take memory. */
const inTurn = limiter(Math.max(2, Math.min(4, availableParallelism())));

type LayerResult = { readonly ok: true; readonly layer: DescribedLayer } | { readonly ok: false; readonly gone: readonly Gone[] };

const megabytes = ({ descriptor }: Layer): string => `${(descriptor.size / 1e6).toFixed(1)} MB`;

async function* stoppable(chunks: AsyncIterable<Uint8Array>, stop: () => void): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) {
    stop();
    yield chunk;
  }
}

/** Collects the entries of a layer in a spool of their own and writes them. @throws ERR_CANCELLED */
const spooled = async (site: AssemblySite, name: string, collect: (spool: Spool) => Promise<readonly TreeEntry[]>): Promise<Layer> => {
  const spool = new Spool(join(site.work, `${name}.spool`));
  try {
    const entries = await collect(spool);
    const stop = () => site.signal.throwIfAborted();
    stop();
    return await writeLayer(
      site.store,
      entries.map((entry) => (entry.type === 'file' ? { ...entry, open: () => stoppable(entry.open(), stop) } : entry)),
    );
  } catch (error) {
    if (site.signal.aborted) fail('ERR_CANCELLED', 'the assembling of the base was interrupted', { cause: error });
    throw error;
  } finally {
    spool.close();
  }
};

const debianLayer = async (lock: BaseLock, architecture: Architecture, site: AssemblySite): Promise<LayerResult> => {
  const { packages } = lock.platforms[architecture];
  let gone: readonly Gone[] = [];
  const layer = await keepLayer(site.layers, site.store, { layer: 'debian', architecture, packages }, async () => {
    const obtained = await obtainPackages(packages, architecture, site);
    if (obtained.ok) return inTurn(() => spooled(site, `debian-${architecture}`, (spool) => debianEntries(obtained.value, architecture, spool, site)));
    gone = obtained.gone;
    return null;
  });
  if (layer === null) return { ok: false, gone };
  site.progress(`${architecture}: ${layer.reused ? 'kept' : 'made'} the Debian layer, ${packages.length} packages, ${megabytes(layer)}`);
  return { ok: true, layer: { ...layer, what: `Debian ${lock.release}: ${packages.length} packages` } };
};

const nodeLayer = async (lock: BaseLock, architecture: Architecture, site: AssemblySite): Promise<LayerResult> => {
  const { node } = lock.platforms[architecture];
  let gone: readonly Gone[] = [];
  const layer = await keepLayer(site.layers, site.store, { layer: 'node', architecture, node }, async () => {
    const obtained = await obtainNode(node, architecture, site);
    if (obtained.ok) return inTurn(() => spooled(site, `node-${architecture}`, (spool) => nodeEntries(obtained.value, node, architecture, spool)));
    gone = obtained.gone;
    return null;
  });
  if (layer === null) return { ok: false, gone };
  site.progress(`${architecture}: ${layer.reused ? 'kept' : 'made'} the Node layer, ${node.version}, ${megabytes(layer)}`);
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
