import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { TestRegistry } from '@pinlane/testing';

const BLOCK = 512;

/** An entry of a plain tar: its header, and its content filled up to whole blocks. */
interface TarEntry {
  readonly name: string;
  readonly header: Buffer;
  readonly body: Buffer;
}

/** The entries of a tar whose names need no more than its headers. */
export const entriesOf = (tar: Buffer): TarEntry[] => {
  const entries: TarEntry[] = [];
  for (let at = 0; at < tar.length && tar[at] !== 0;) {
    const header = Buffer.from(tar.subarray(at, at + BLOCK));
    const size = Number.parseInt(header.toString('latin1', 124, 135), 8);
    const end = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    entries.push({ name: header.toString('latin1', 0, 100).replace(/\0.*/, ''), header, body: Buffer.from(tar.subarray(at + BLOCK, end)) });
    at = end;
  }
  return entries;
};

const sealed = (header: Buffer): Buffer => {
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
};

/** A field of a header. */
const FIELDS = { name: [0, 100], mode: [100, 8], uid: [108, 8], size: [124, 12], mtime: [136, 12], type: [156, 1], target: [157, 100] } as const;

/** An entry with other fields; numbers are written in octal. */
export const withFields = (entry: TarEntry, fields: Partial<Record<keyof typeof FIELDS, string | number>>): TarEntry => {
  const header = Buffer.from(entry.header);
  for (const [name, value] of Object.entries(fields)) {
    const [at, length] = FIELDS[name as keyof typeof FIELDS];
    header.fill(0, at, at + length);
    header.write(typeof value === 'number' ? value.toString(8).padStart(length - 1, '0') : value, at, 'utf8');
  }
  return { ...entry, name: String(fields.name ?? entry.name), header: sealed(header) };
};

/** An entry with another content. */
export const withContent = (entry: TarEntry, content: string): TarEntry => {
  const bytes = Buffer.from(content);
  return { ...withFields(entry, { size: bytes.length }), body: Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]) };
};

const tarOf = (entries: readonly TarEntry[]): Buffer => Buffer.concat([...entries.flatMap(({ header, body }) => [header, body]), Buffer.alloc(2 * BLOCK)]);

type Json = Record<string, unknown>;
interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** What is changed in each platform's image. */
export interface Alteration {
  /** The entries of each layer, from 0. */
  readonly layer?: (entries: TarEntry[], position: number) => TarEntry[];
  readonly config?: (config: Json) => Json;
  readonly manifest?: (manifest: Json) => Json;
  /** Whether layers are packed otherwise, although their files stay. */
  readonly level?: number;
  readonly index?: (index: Json) => Json;
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const bytesOf = (json: unknown): Buffer => Buffer.from(JSON.stringify(json));
const jsonOf = <T>(bytes: Uint8Array): T => JSON.parse(Buffer.from(bytes).toString()) as T;
const describedAs = (before: Described, bytes: Uint8Array): Described => ({ ...before, digest: digestOf(bytes), size: bytes.length });

const alterPlatform = (registry: TestRegistry, path: string, digest: string, change: Alteration): Buffer => {
  const { layer = (entries) => entries, config: configured = (config) => config, manifest: manifested = (manifest) => manifest, level } = change;
  const manifest = jsonOf<{ config: Described; layers: Described[] }>(registry.manifests.get(`${path}@${digest}`)!.bytes);
  const config = jsonOf<{ rootfs: { diff_ids: string[] } }>(registry.blobs.get(manifest.config.digest)!);
  const put = (before: Described, bytes: Uint8Array): Described => {
    const after = describedAs(before, bytes);
    registry.blobs.set(after.digest, bytes);
    return after;
  };
  const layers = manifest.layers.map((before, position) => {
    const packed = Buffer.from(registry.blobs.get(before.digest)!);
    const tar = gunzipSync(packed);
    const altered = change.layer === undefined ? tar : tarOf(layer(entriesOf(tar), position));
    const same = altered.equals(tar) && level === undefined;
    return { descriptor: put(before, same ? packed : gzipSync(altered, { level: level ?? 6 })), diffId: digestOf(altered) };
  });
  const configBytes = bytesOf(configured({ ...config, rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) } }));
  return bytesOf(manifested({ ...manifest, config: put(manifest.config, configBytes), layers: layers.map(({ descriptor }) => descriptor) }));
};

/**
 * Puts an image beside the one that a registry.yaml pins, changed by hand on each platform, and with the labels of the other if they are left.
 * @returns the same registry.yaml, with the changed image pinned in place of the other
 */
export const pinAltered = (registry: TestRegistry, path: string, text: string, change: Alteration): string => {
  const [amd64, arm64, indexDigest] = text.match(/sha256:[0-9a-f]{64}/g)! as [string, string, string];
  const put = (bytes: Buffer, mediaType: string): string => {
    const digest = digestOf(bytes);
    registry.manifests.set(`${path}@${digest}`, { bytes, mediaType });
    return digest;
  };
  const { bytes, mediaType } = registry.manifests.get(`${path}@${indexDigest}`)!;
  const index = jsonOf<{ manifests: Described[] }>(bytes);
  const moved = new Map<string, Buffer>([amd64, arm64].map((digest) => [digest, alterPlatform(registry, path, digest, change)]));
  const manifests = index.manifests.map((entry) => describedAs(entry, moved.get(entry.digest)!));
  const indexBytes = bytesOf((change.index ?? ((document) => document))({ ...index, manifests }));
  const digests = [...[...moved.values()].map((each) => put(each, 'application/vnd.oci.image.manifest.v1+json')), put(indexBytes, mediaType)];
  return [amd64, arm64, indexDigest].reduce((all, before, at) => all.replaceAll(before, digests[at]!), text);
};
