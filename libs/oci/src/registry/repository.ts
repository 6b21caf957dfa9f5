import { isDigest, fail, type Digest, type Repository } from '@pinlane/contracts';
import { parseDocument, verified, verifyBytes, type BlobDescriptor, type ContentSink, type ContentSource, type Descriptor } from '../content/index.ts';
import { remembered, type CredentialSource } from './auth/credentials.ts';
import { dockerCredentials } from './auth/docker-config.ts';
import { scopeOf } from './auth/scope.ts';
import { endpointOf } from './endpoint.ts';
import { checkBlob } from './requests/check-blob.ts';
import { getManifest } from './requests/get-manifest.ts';
import { putManifest } from './requests/put-manifest.ts';
import { readResuming } from './resume.ts';
import { RETRY_POLICY, type RetryPolicy } from './retry.ts';
import { createSend } from './send.ts';
import { createTransport } from './transport.ts';
import { uploadBlob } from './upload.ts';

/** A repository of a registry. Whatever it delivers was checked against its digest; headers are not believed. */
export interface RegistryRepository extends ContentSource, ContentSink {
  readonly repository: Repository;
  /** What a tag names now, or a digest always. @throws ERR_MANIFEST_UNKNOWN, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH */
  resolve(tagOrDigest: string): Promise<Descriptor>;
  /** Lets a tag name a manifest, whose blobs and children are there already. */
  tag(name: string, descriptor: Descriptor, bytes: Uint8Array): Promise<void>;
}

export interface RepositoryOptions {
  /** Where credentials come from; Docker's configuration unless told. They are asked for only when the registry wants some. */
  readonly auth?: CredentialSource;
  /** Plain HTTP also to another machine. */
  readonly insecure?: boolean;
  readonly fetch?: typeof globalThis.fetch;
  readonly retry?: Partial<RetryPolicy>;
  /** How long nothing at all may happen in an exchange, in ms; a minute unless told. */
  readonly idleMs?: number;
  readonly signal?: AbortSignal;
  /** A repository of the same registry that may hold the same blobs; they are mounted from there where the registry can. */
  readonly mountFrom?: Repository;
}

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const checkTag = (name: string): string =>
  TAG.test(name) ? name : fail('ERR_REFERENCE_INVALID', `${JSON.stringify(name.slice(0, 200))} is neither a tag nor a digest`);

/**
 * Opens a repository; nothing is sent before the first request. Registries on this machine (localhost and below, 127.0.0.0/8, ::1) speak plain HTTP,
 * every other one HTTPS (distribution specification 1.1).
 * @throws ERR_REFERENCE_INVALID for the local store's name
 */
export const openRepository = (repository: Repository, options: RepositoryOptions = {}): RegistryRepository => {
  const { auth = dockerCredentials(), insecure, idleMs = 60_000, mountFrom } = options;
  const send = createSend({ idleMs, signal: options.signal, ...(options.fetch ? { fetch: options.fetch } : {}) });
  const from = mountFrom?.host === repository.host && mountFrom.path !== repository.path ? mountFrom.path : undefined;
  const transport = createTransport({
    endpoint: endpointOf(repository, insecure),
    credentials: remembered(auth),
    send,
    policy: { ...RETRY_POLICY, ...options.retry },
    ...(from === undefined ? {} : { scopes: [scopeOf(from, 'pull')] }),
  });

  const fetchManifest = async (tagOrDigest: string) => {
    const bytes = await transport.call(getManifest(tagOrDigest));
    if (isDigest(tagOrDigest)) verifyBytes(bytes, tagOrDigest);
    return { descriptor: parseDocument(bytes).descriptor, bytes };
  };

  const put = async (target: string, { digest, size, mediaType }: Descriptor, bytes: Uint8Array): Promise<void> => {
    verifyBytes(bytes, digest, size);
    const actual = parseDocument(bytes).descriptor.mediaType;
    if (actual !== mediaType) fail('ERR_MANIFEST_INVALID', `${digest} is announced as ${mediaType} and is ${actual}`);
    await transport.call(putManifest(target, mediaType, bytes));
  };

  return {
    repository,
    readManifest: (digest: Digest) => fetchManifest(digest),
    resolve: async (tagOrDigest) => (await fetchManifest(isDigest(tagOrDigest) ? tagOrDigest : checkTag(tagOrDigest))).descriptor,
    openBlob: (blob: BlobDescriptor) => verified(readResuming(transport, blob), blob),
    hasBlob: (blob) => transport.call(checkBlob(blob)),
    putBlob: (blob, open) => uploadBlob(transport, blob, open, from),
    putManifest: (descriptor, bytes) => put(descriptor.digest, descriptor, bytes),
    tag: (name, descriptor, bytes) => put(checkTag(name), descriptor, bytes),
  };
};
