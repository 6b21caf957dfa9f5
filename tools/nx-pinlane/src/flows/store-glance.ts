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

/** Files that had their digest, as they were then: one command looks at what all images are built on as often as there are images. */
const hashedBefore = new Set<string>();

const isWhole = async (root: string, { digest, size }: Named, hashed: boolean): Promise<boolean> => {
  if (typeof digest !== 'string' || !DIGEST.test(digest)) return false;
  const path = blobPath(root, digest);
  const found = await stat(path).catch(() => null);
  if (found === null || found.size !== size) return false;
  const state = `${path} ${found.ino} ${found.ctimeMs}`;
  if (!hashed || hashedBefore.has(state)) return true;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  if (`sha256:${hash.digest('hex')}` !== digest) return false;
  hashedBefore.add(state);
  return true;
};

/**
 * Whether the store has all of an image: manifests and configs hashed, layers there with their size, and hashed too where that is asked
 * for. A glance for the cache key of every task of every command, which is why it does without the store's schemas; whoever uses the image
 * reads it strictly. What can't be read counts as no.
 */
export const hasWholeImage = async (root: string, digest: string, { hashed = false } = {}): Promise<boolean> => {
  try {
    if (!DIGEST.test(digest)) return false;
    const document = await readBlob(root, digest);
    if (document === null) return false;
    const checks = [
      ...(document.config ? [isWhole(root, document.config, true)] : []),
      ...(document.layers ?? []).map((layer) => isWhole(root, layer, hashed)),
      ...(document.manifests ?? []).map((child) => hasWholeImage(root, String(child.digest), { hashed })),
    ];
    return (await Promise.all(checks)).every(Boolean);
  } catch {
    return false;
  }
};

/** The store's word for itself, where it has one already. */
export const knownGeneration = async (root: string): Promise<string | null> =>
  (await readFile(join(root, '.pinlane-generation'), 'utf8').catch(() => null))?.trim() ?? null;
