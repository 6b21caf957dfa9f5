import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

type Named = { readonly digest?: unknown; readonly size?: unknown };
type Document = { readonly manifests?: readonly Named[]; readonly config?: Named; readonly layers?: readonly Named[] };

const DIGEST = /^sha256:[a-f0-9]{64}$/;

// OCI image layout, image-layout.md.
const blobPath = (root: string, digest: string): string => join(root, 'blobs', 'sha256', digest.slice('sha256:'.length));

const readBlob = async (root: string, digest: string): Promise<Document | null> => {
  const bytes = await readFile(blobPath(root, digest)).catch(() => null);
  if (bytes === null || `sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest) return null;
  return JSON.parse(bytes.toString('utf8')) as Document;
};

const isWhole = async (root: string, { digest, size }: Named, hashed: boolean): Promise<boolean> => {
  if (typeof digest !== 'string' || !DIGEST.test(digest)) return false;
  const path = blobPath(root, digest);
  if ((await stat(path).catch(() => null))?.size !== size) return false;
  if (!hashed) return true;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}` === digest;
};

/**
 * Whether the store has all of an image: manifests and configs hashed, layers there with their size, and hashed too where `hashLayer` says
 * so. A glance for the cache key of every task of every command, which is why it does without the store's schemas; whoever uses the image
 * reads it strictly. What can't be read counts as no.
 */
export const hasWholeImage = async (root: string, digest: string, hashLayer: (digest: string) => boolean = () => false): Promise<boolean> => {
  try {
    if (!DIGEST.test(digest)) return false;
    const document = await readBlob(root, digest);
    if (document === null) return false;
    const checks = [
      ...(document.config ? [isWhole(root, document.config, true)] : []),
      ...(document.layers ?? []).map((layer) => isWhole(root, layer, hashLayer(String(layer.digest)))),
      ...(document.manifests ?? []).map((child) => hasWholeImage(root, String(child.digest), hashLayer)),
    ];
    return (await Promise.all(checks)).every(Boolean);
  } catch {
    return false;
  }
};

/** The digests of all layers of an image, of each of its platforms; empty where it can't be read. */
export const layersOf = async (root: string, digest: string): Promise<string[]> => {
  const document = DIGEST.test(digest) ? await readBlob(root, digest) : null;
  const children = await Promise.all((document?.manifests ?? []).map((child) => layersOf(root, String(child.digest))));
  return [...(document?.layers ?? []).map((layer) => String(layer.digest)), ...children.flat()];
};

/** The store's word for itself, where it has one already. */
export const knownGeneration = async (root: string): Promise<string | null> =>
  (await readFile(join(root, '.pinlane-generation'), 'utf8').catch(() => null))?.trim() ?? null;
