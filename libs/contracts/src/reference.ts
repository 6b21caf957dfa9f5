import * as z from './zod.ts';
import { digestSchema, type Digest } from './digest.ts';
import { fail } from './errors/error.ts';
import { quoted } from './errors/redact.ts';
import { registryHostFault } from './registry-host.ts';
import { STORE_HOST } from './store-host.ts';

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** The place of all images of one name: a registry's host and a path in it, both written in full. */
export interface Repository {
  readonly host: string;
  readonly path: string;
}

/** A reference to an image by tag, by digest or by both. With neither it names a repository. */
export interface Reference extends Repository {
  readonly tag?: string;
  readonly digest?: Digest;
}

/** A reference by digest: no other kind is pinned, run or deployed. */
export interface PinnedReference extends Repository {
  readonly digest: Digest;
}

/** Whether a text names a repository inside a registry (distribution specification, "Pulling manifests"). */
export const isRepositoryPath = (text: string): boolean => text.length <= 255 && text.split('/').every((component) => COMPONENT.test(component));

/** Whether a text can be a tag. */
export const isTag = (text: string): boolean => TAG.test(text);

const looksLikeHost = (part: string): boolean => part.includes('.') || part.includes(':') || part === 'localhost';

const malformed = (text: string, why: string): never => fail('ERR_REFERENCE_INVALID', `${quoted(text, 200)} is not an image reference: ${why}`);

/**
 * Parses an image reference as Docker does: no host means docker.io, a single name there means library/<name>.
 * The repository grammar is the distribution specification's ("Pulling manifests").
 * @throws ERR_REFERENCE_INVALID
 */
export const parseReference = (text: string): Reference => {
  const [beforeDigest, digestText, ...more] = text.split('@') as [string, string?, ...string[]];
  if (more.length > 0) return malformed(text, 'more than one @');
  const digest = digestText === undefined ? undefined : digestSchema.safeParse(digestText);
  if (digest && !digest.success) return malformed(text, 'its digest is not sha256: and 64 lower-case hexadecimal digits');

  const slash = beforeDigest.indexOf('/');
  const first = slash === -1 ? '' : beforeDigest.slice(0, slash);
  const named = looksLikeHost(first);
  const host = named ? first : 'docker.io';
  const rest = named ? beforeDigest.slice(slash + 1) : beforeDigest;
  const colon = rest.lastIndexOf(':');
  const tag = colon === -1 ? undefined : rest.slice(colon + 1);
  const name = colon === -1 ? rest : rest.slice(0, colon);
  const path = host === 'docker.io' && !name.includes('/') ? `library/${name}` : name;

  const fault = registryHostFault(host);
  if (fault !== null) return malformed(text, fault);
  if (!isRepositoryPath(path)) return malformed(text, 'its repository is not made of lower-case letters, digits and single separators');
  if (tag !== undefined && !isTag(tag)) return malformed(text, 'its tag is malformed');
  return { host, path, ...(tag === undefined ? {} : { tag }), ...(digest ? { digest: digest.data } : {}) };
};

/** Parses a reference that must name a digest and no tag. @throws ERR_REFERENCE_INVALID */
export const parsePinnedReference = (text: string): PinnedReference => {
  const { host, path, tag, digest } = parseReference(text);
  if (digest === undefined) return malformed(text, 'a pin names a digest');
  if (tag !== undefined) return malformed(text, 'a pin names no tag');
  return { host, path, digest };
};

/** Parses a repository name: no tag, no digest. @throws ERR_REFERENCE_INVALID */
export const parseRepository = (text: string): Repository => {
  const { host, path, tag, digest } = parseReference(text);
  if (tag !== undefined || digest !== undefined) return malformed(text, 'a repository has neither tag nor digest');
  return { host, path };
};

export const formatRepository = ({ host, path }: Repository): string => `${host}/${path}`;

export const formatReference = ({ host, path, tag, digest }: Reference): string =>
  `${host}/${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;

/** Whether a reference names the local store. */
export const isStoreReference = ({ host }: Repository): boolean => host === STORE_HOST;

const text = <T>(parse: (value: string) => T, shape: string) =>
  z.string().superRefine((value, context) => {
    try {
      parse(value);
    } catch {
      context.addIssue({ code: 'custom', message: `expected ${shape}` });
    }
  });

/** A pin's text in registry.yaml: `repository@sha256:<64 hex>`, in full and without a tag. */
export const pinnedReferenceSchema = text(parsePinnedReference, 'repository@sha256:<64 lower-case hexadecimal digits>, without a tag');
/** A repository's text in registry.yaml. */
export const repositorySchema = text(parseRepository, 'a repository such as ghcr.io/owner/name, without tag or digest');
