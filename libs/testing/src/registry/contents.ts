import { createHash } from 'node:crypto';
import { errorReply, jsonReply, type Reply } from './reply.ts';

/** What a registry holds. */
export interface Contents {
  /** By digest; all repositories share them. */
  readonly blobs: Map<string, Uint8Array>;
  /** By `<path>@<digest>` and `<path>:<tag>`. */
  readonly manifests: Map<string, { readonly mediaType: string; readonly bytes: Uint8Array }>;
}

/** The digest of some bytes. */
export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The digests of the blobs and of the manifests that a manifest or an index names. */
const namedBy = (bytes: Uint8Array): { readonly blobs: string[]; readonly children: string[] } => {
  type Named = { readonly digest: string };
  const document = JSON.parse(Buffer.from(bytes).toString()) as { readonly config?: Named; readonly layers?: Named[]; readonly manifests?: Named[] };
  const digests = (all: readonly Named[]): string[] => all.map(({ digest }) => digest);
  return { blobs: digests([...(document.config ? [document.config] : []), ...(document.layers ?? [])]), children: digests(document.manifests ?? []) };
};

/** Takes a manifest under its digest, and under a tag if the target is one; refuses one that names what is not here. */
export const putManifest = ({ blobs, manifests }: Contents, path: string, target: string, mediaType: string, bytes: Uint8Array): Reply => {
  const digest = sha256(bytes);
  if (target.startsWith('sha256:') && target !== digest) return errorReply(400, 'DIGEST_INVALID');
  const named = namedBy(bytes);
  if (!named.blobs.every((blob) => blobs.has(blob)) || !named.children.every((child) => manifests.has(`${path}@${child}`)))
    return errorReply(400, 'MANIFEST_BLOB_UNKNOWN');
  manifests.set(`${path}@${digest}`, { mediaType, bytes });
  if (target !== digest) manifests.set(`${path}:${target}`, { mediaType, bytes });
  return { status: 201, headers: { location: `/v2/${path}/manifests/${digest}`, 'docker-content-digest': digest } };
};

/** Gives a manifest by digest or tag. Like docker-registry, it answers 404 if the Accept header does not name the manifest's type. */
export const getManifest = ({ manifests }: Contents, path: string, target: string, accept = ''): Reply => {
  const found = manifests.get(`${path}${target.startsWith('sha256:') ? '@' : ':'}${target}`);
  if (!found || !accept.includes(found.mediaType)) return errorReply(404, 'MANIFEST_UNKNOWN');
  return { status: 200, headers: { 'content-type': found.mediaType, 'docker-content-digest': sha256(found.bytes) }, body: found.bytes };
};

/** Lists the tags of a repository, page by page if `n` asks for it. */
export const listTags = ({ manifests }: Contents, path: string, query: URLSearchParams): Reply => {
  const all = [...manifests.keys()].filter((key) => key.startsWith(`${path}:`)).map((key) => key.slice(path.length + 1));
  const left = all.sort().filter((tag) => tag > (query.get('last') ?? ''));
  const tags = left.slice(0, Number(query.get('n') ?? left.length));
  const link = `</v2/${path}/tags/list?n=${query.get('n')}&last=${tags.at(-1)}>; rel="next"`;
  return jsonReply(200, { name: path, tags }, tags.length < left.length ? { link } : {});
};
