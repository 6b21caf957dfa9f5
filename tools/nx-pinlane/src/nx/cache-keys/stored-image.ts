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

/** Files that had their digest, with the state they were in: all images share a base, and one command looks at it once for each image. */
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
 * Whether the store has all of an image: manifests and configs are hashed, layers have their size, and with `hashed` their digest, too. It is a quick
 * look for the cache key of every task of every command, and so does without the store's schemas; whoever uses the image reads it strictly. An image
 * that can't be read counts as not there.
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

/** The store's generation; null if it has none yet. */
export const knownGeneration = async (root: string): Promise<string | null> =>
  (await readFile(join(root, '.pinlane-generation'), 'utf8').catch(() => null))?.trim() ?? null;
