import { createHash } from 'node:crypto';
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

const hasSize = async (root: string, { digest, size }: Named): Promise<boolean> =>
  typeof digest === 'string' && DIGEST.test(digest) && (await stat(blobPath(root, digest)).catch(() => null))?.size === size;

/**
 * Whether the store has all of an image: manifests hashed, all that they name there with its size. A glance for the cache key of every
 * task of every command, which is why it does without the store's schemas; whoever uses the image reads it strictly. What can't be read counts as no.
 */
export const hasWholeImage = async (root: string, digest: string): Promise<boolean> => {
  try {
    if (!DIGEST.test(digest)) return false;
    const document = await readBlob(root, digest);
    if (document === null) return false;
    const blobs = [...(document.config ? [document.config] : []), ...(document.layers ?? [])];
    const checks = [...blobs.map((blob) => hasSize(root, blob)), ...(document.manifests ?? []).map((child) => hasWholeImage(root, String(child.digest)))];
    return (await Promise.all(checks)).every(Boolean);
  } catch {
    return false;
  }
};

/** The store's word for itself, where it has one already. */
export const knownGeneration = async (root: string): Promise<string | null> =>
  (await readFile(join(root, '.pinlane-generation'), 'utf8').catch(() => null))?.trim() ?? null;
