import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ARCHITECTURES, fail, type Architecture, type Digest, type Progress } from '@pinlane/contracts';
import { composeIndex, writeLayer, type Descriptor, type Layer, type Store } from '@pinlane/oci';
import { forEachArchitecture } from './architectures.ts';
import { debianEntries } from './debian/tree.ts';
import { obtainNode, obtainPackages, type DownloadInput, type Gone, type Obtained } from './downloads/obtain.ts';
import { composeImage, type DescribedLayer } from './image/config.ts';
import { keepLayer } from './image/kept-layers.ts';
import { lockFingerprint, type BaseLock } from './lock/lock.ts';
import { nodeEntries } from './node/tarball.ts';
import { limiter, together } from './together.ts';
import type { TreeEntry } from './tree/entry.ts';
import { Spool } from './tree/spool.ts';

/** What assembling needs to know. */
export interface AssemblyInput extends DownloadInput {
  readonly store: Store;
  /** The folder of the notes on layers that were made before. */
  readonly layers: string;
  readonly progress: Progress;
}

/** The assembled base, not yet named in the store. */
export interface Assembled {
  readonly index: Descriptor;
  readonly platforms: Readonly<Record<Architecture, Digest>>;
  readonly fingerprint: Digest;
}

/** One layer of one platform, decided: what it is made of, and how. */
interface LayerPlan {
  readonly name: 'debian' | 'node';
  readonly architecture: Architecture;
  /** What goes into it, by content. */
  readonly inputs: object;
  /** What it holds, for the line that says that it was made. */
  readonly contents: string;
  /** The line about it in the image's history. */
  readonly history: string;
  /** Brings what it is made of, and returns what then puts the layer's entries together. */
  obtain(input: AssemblyInput): Promise<Obtained<(spool: Spool) => Promise<readonly TreeEntry[]>>>;
}

/** A few layers at once, and no more than there are processors: more would only take memory. */
const inTurn = limiter(Math.max(2, Math.min(4, availableParallelism())));

type LayerResult = { readonly ok: true; readonly layer: DescribedLayer } | { readonly ok: false; readonly gone: readonly Gone[] };

const obtained = <T, U>(result: Obtained<T>, then: (value: T) => U): Obtained<U> => (result.ok ? { ok: true, value: then(result.value) } : result);

const debianLayer = ({ release, platforms }: BaseLock, architecture: Architecture): LayerPlan => {
  const { packages } = platforms[architecture];
  return {
    name: 'debian',
    architecture,
    inputs: { packages },
    contents: `the Debian layer, ${packages.length} packages`,
    history: `Debian ${release}: ${packages.length} packages`,
    obtain: async (input) =>
      obtained(await obtainPackages(packages, architecture, input), (files) => (spool) => debianEntries(files, architecture, spool, input)),
  };
};

const nodeLayer = ({ platforms }: BaseLock, architecture: Architecture): LayerPlan => {
  const { node } = platforms[architecture];
  return {
    name: 'node',
    architecture,
    inputs: { node },
    contents: `the Node layer, ${node.version}`,
    history: `Node ${node.version}`,
    obtain: async (input) =>
      obtained(await obtainNode(node, architecture, input), (tarball) => (spool) => nodeEntries(tarball, node, architecture, spool, input.signal)),
  };
};

async function* stoppable(chunks: AsyncIterable<Uint8Array>, stop: () => void): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) {
    stop();
    yield chunk;
  }
}

/** Collects the entries of a layer in a spool of their own and writes them. @throws ERR_CANCELLED */
const writeSpooled = async (input: AssemblyInput, name: string, collect: (spool: Spool) => Promise<readonly TreeEntry[]>): Promise<Layer> => {
  const spool = new Spool(join(input.work, `${name}.spool`));
  try {
    const entries = await collect(spool);
    const stop = () => input.signal.throwIfAborted();
    stop();
    return await writeLayer(
      input.store,
      entries.map((entry) => (entry.type === 'file' ? { ...entry, open: () => stoppable(entry.open(), stop) } : entry)),
    );
  } catch (error) {
    if (input.signal.aborted) fail('ERR_CANCELLED', 'the assembling of the base was interrupted', { cause: error });
    throw error;
  } finally {
    spool.close();
  }
};

const makeLayer = async (plan: LayerPlan, input: AssemblyInput): Promise<LayerResult> => {
  const { name, architecture, inputs } = plan;
  let gone: readonly Gone[] = [];
  const layer = await keepLayer(input.layers, input.store, { layer: name, architecture, ...inputs }, async () => {
    input.progress(`${architecture}: fetching ${plan.contents}`);
    const found = await plan.obtain(input);
    if (found.ok)
      return inTurn(() => {
        input.progress(`${architecture}: writing ${plan.contents}`);
        return writeSpooled(input, `${name}-${architecture}`, found.value);
      });
    gone = found.gone;
    return null;
  });
  if (layer === null) return { ok: false, gone };
  const megabytes = (layer.descriptor.size / 1e6).toFixed(1);
  input.progress(`${architecture}: ${layer.reused ? 'kept' : 'made'} ${plan.contents}, ${megabytes} MB`, 'note');
  return { ok: true, layer: { ...layer, what: plan.history } };
};

/** Writes config and manifest of each platform, and the index over them. */
const writeImages = async (lock: BaseLock, layers: Readonly<Record<Architecture, readonly DescribedLayer[]>>, store: Store): Promise<Assembled> => {
  const fingerprint = lockFingerprint(lock);
  const images = forEachArchitecture((architecture) => composeImage(lock, architecture, fingerprint, layers[architecture]));
  for (const { config, manifest, descriptor } of Object.values(images)) {
    await store.writeBlob(config);
    await store.putManifest(descriptor, manifest);
  }
  const index = composeIndex(Object.values(images).map(({ descriptor }) => descriptor));
  await store.putManifest(index.descriptor, index.bytes);
  return { index: index.descriptor, platforms: forEachArchitecture((architecture) => images[architecture].descriptor.digest), fingerprint };
};

/**
 * Assembles every platform of a lock into the store: a layer for Debian and one for Node, so that an update of one leaves the other. Packages that are
 * gone from the mirrors are an answer, not an error; the layers that could be made are kept.
 * @throws ERR_BASE_UNAVAILABLE, ERR_DIGEST_MISMATCH, ERR_BASE_CONFLICT, ERR_LAYER_UNSAFE
 */
export const assemble = async (lock: BaseLock, input: AssemblyInput): Promise<Assembled | { readonly gone: readonly Gone[] }> => {
  const plans = ARCHITECTURES.flatMap((architecture) => [debianLayer(lock, architecture), nodeLayer(lock, architecture)]);
  const made = await together(
    input.signal,
    plans.map((plan) => async (signal: AbortSignal) => ({ architecture: plan.architecture, result: await makeLayer(plan, { ...input, signal }) })),
  );
  const gone = made.flatMap(({ result }) => (result.ok ? [] : result.gone));
  if (gone.length > 0) return { gone };
  const layers = forEachArchitecture((wanted) => made.flatMap(({ architecture, result }) => (architecture === wanted && result.ok ? [result.layer] : [])));
  return writeImages(lock, layers, input.store);
};
