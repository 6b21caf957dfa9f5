import { isRepositoryPath } from '@pinlane/contracts';
import { isAnyDigest, type AnyDigest } from '../store/digests.ts';
import { refuse } from './refusal.ts';

/** The resource that a request's path names (distribution specification, "Endpoints"). */
export type Target =
  | { readonly kind: 'base' }
  | { readonly kind: 'tags' | 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'blob' | 'referrers'; readonly repository: string; readonly digest: AnyDigest };

const PATH = /^\/v2\/(.+?)\/(?:(tags\/list)|(blobs\/uploads)\/?|blobs\/uploads\/([^/]+)|(blobs|manifests|referrers)\/([^/]+))$/;
const SHOWN = 200;

/** @throws Refusal with 400 DIGEST_INVALID */
export const requireDigest = (text: string): AnyDigest =>
  isAnyDigest(text) ? text : refuse(400, 'DIGEST_INVALID', `${JSON.stringify(text.slice(0, SHOWN))} is not a digest of sha256 or sha512`);

/**
 * Parses a request's path. Only a digest's colon is decoded, so that the name which is checked is the one that is used later; a name that could lead to
 * another folder (`..`, `%2e`, `%2f`, a backslash) is not a valid repository name.
 * @throws Refusal
 */
export const parseTarget = (path: string): Target => {
  if (path === '/v2/' || path === '/v2') return { kind: 'base' };
  const [, repository, tags, uploads, id, kind, last] = PATH.exec(path) ?? [];
  if (repository === undefined) return refuse(404, 'UNSUPPORTED', 'this is a registry: its addresses begin with /v2/<name>/');
  if (!isRepositoryPath(repository)) return refuse(400, 'NAME_INVALID', `${JSON.stringify(repository.slice(0, SHOWN))} is not a repository's name`);
  if (tags !== undefined) return { kind: 'tags', repository };
  if (uploads !== undefined) return { kind: 'uploads', repository };
  if (id !== undefined) return { kind: 'upload', repository, id };
  const reference = (last as string).replace(/%3a/gi, ':');
  if (kind === 'manifests') return { kind: 'manifest', repository, reference };
  return { kind: kind === 'blobs' ? 'blob' : 'referrers', repository, digest: requireDigest(reference) };
};
