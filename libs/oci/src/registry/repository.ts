import { isDigest, isPinlaneError, isTag, fail, type Digest, type Repository } from '@pinlane/contracts';
import { parseDocument, verified, verifyBytes, type BlobDescriptor, type ContentSink, type ContentSource, type Descriptor } from '../content/index.ts';
import { remembered, type CredentialSource } from './auth/credentials.ts';
import { dockerCredentials } from './auth/docker-config.ts';
import { scopeOf } from './auth/scope.ts';
import { endpointOf } from './endpoint.ts';
import { checkBlob, checkBlobByGet } from './requests/check-blob.ts';
import { getManifest } from './requests/get-manifest.ts';
import { putManifest } from './requests/put-manifest.ts';
import { listTags } from './requests/list-tags.ts';
import { readPages } from './pages.ts';
import { createReferrers } from './referrers/referrers.ts';
import { readResuming } from './resume.ts';
import { RETRY_POLICY, untilAborted, type RetryPolicy } from './retry.ts';
import { createSend } from './send.ts';
import { createTransport } from './transport.ts';
import { CHUNK_POLICY, createUpload, type ChunkPolicy } from './upload/upload-blob.ts';

/** A repository of a registry. Whatever it delivers was checked against its digest; headers are not believed. */
export interface RegistryRepository extends ContentSource, ContentSink {
  readonly repository: Repository;
  /** How it deals with what passes, for work that takes several requests. */
  readonly retry: RetryPolicy;
  /** What a tag names now, or a digest always. @throws ERR_MANIFEST_UNKNOWN, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH */
  resolve(tagOrDigest: string): Promise<Descriptor>;
  /** Lets a tag name a manifest, whose blobs and children are there already. One that names it is good, also where it can't be written anew. */
  tag(name: string, descriptor: Descriptor, bytes: Uint8Array): Promise<void>;
  /** As in `ContentSink`; without `mount` the bytes are sent even where another repository has them. */
  putBlob(blob: BlobDescriptor, open: () => AsyncIterable<Uint8Array>, options?: { readonly mount?: boolean }): Promise<void>;
  /** As in `ContentSink`. Where it has a subject it is listed as a referrer, by the registry or by the tag that stands in for that. */
  putManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void>;
  /**
   * What refers to a manifest, which need not be there, of one artifact type or of all. A claim of the registry: see `readAttached`.
   * @throws ERR_MANIFEST_INVALID, ERR_REGISTRY_PROTOCOL
   */
  referrers(subject: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
  /** Every tag; none where there is no such repository. @throws ERR_REGISTRY_PROTOCOL */
  tags(): Promise<readonly string[]>;
}

export interface RepositoryOptions {
  /** Where credentials come from; Docker's configuration unless told. They are asked for only when the registry wants some. */
  readonly auth?: CredentialSource;
  /** Plain HTTP also to another machine. */
  readonly insecure?: boolean;
  /**
   * Whether it is opened to be written to: every request then asks for the right to push. Some registries refuse a mere reader where there is no
   * such repository yet (401), so that nobody could ask what is there before the first push; Docker Hub and Quay are of that kind.
   */
  readonly writes?: boolean;
  readonly retry?: Partial<RetryPolicy>;
  /** How long nothing at all may happen in an exchange, in ms; a minute unless told. */
  readonly idleMs?: number;
  readonly signal?: AbortSignal;
  /** A repository of the same registry that may hold the same blobs; they are mounted from there where the registry can. */
  readonly mountFrom?: Repository;
  readonly chunks?: Partial<ChunkPolicy>;
}

const TAGS_AT_MOST = 100_000;

/** By 400 TAG_INVALID (Amazon), 403 (Docker Hub) or 412 (Harbor). */
const TAG_REFUSED = ['ERR_REGISTRY_PROTOCOL', 'ERR_REGISTRY_DENIED'] as const;

const checkTag = (name: string): string =>
  isTag(name) ? name : fail('ERR_REFERENCE_INVALID', `${JSON.stringify(name.slice(0, 200))} is neither a tag nor a digest`);

/**
 * Opens a repository; nothing is sent before the first request. Registries on this machine (localhost and below, 127.0.0.0/8, ::1) are spoken to by
 * plain HTTP until they turn out to want TLS, every other one by HTTPS (distribution specification 1.1).
 * @throws ERR_REFERENCE_INVALID for the local store's name
 */
export const openRepository = (repository: Repository, options: RepositoryOptions = {}): RegistryRepository => {
  const { auth = dockerCredentials(), insecure, writes, idleMs = 60_000, mountFrom } = options;
  const send = createSend({ idleMs, signal: options.signal });
  const from = mountFrom?.host === repository.host && mountFrom.path !== repository.path ? mountFrom.path : undefined;
  const policy = untilAborted({ ...RETRY_POLICY, ...options.retry }, options.signal);
  const transport = createTransport({
    endpoint: endpointOf(repository, insecure),
    credentials: remembered(auth),
    send,
    policy,
    writes,
    ...(from === undefined ? {} : { scopes: [scopeOf(from, 'pull')] }),
  });
  const upload = createUpload(transport, { ...CHUNK_POLICY, ...options.chunks });
  const referrers = createReferrers(transport);

  const fetchManifest = async (tagOrDigest: string) => {
    const bytes = await transport.call(getManifest(tagOrDigest));
    if (isDigest(tagOrDigest)) verifyBytes(bytes, tagOrDigest);
    return { descriptor: parseDocument(bytes).descriptor, bytes };
  };

  const put = async (target: string, { digest, size, mediaType }: Descriptor, bytes: Uint8Array): Promise<void> => {
    verifyBytes(bytes, digest, size);
    const document = parseDocument(bytes);
    const actual = document.descriptor.mediaType;
    if (actual !== mediaType) fail('ERR_MANIFEST_INVALID', `${digest} is announced as ${mediaType} and is ${actual}`);
    await referrers.note(document, await transport.call(putManifest(target, mediaType, bytes)));
  };

  /** A registry that lets no tag be written anew refuses also the manifest that it names already, each in its own way. */
  const putTag = async (name: string, descriptor: Descriptor, bytes: Uint8Array): Promise<void> => {
    try {
      await put(checkTag(name), descriptor, bytes);
    } catch (error) {
      if (!TAG_REFUSED.some((code) => isPinlaneError(error, code))) throw error;
      const named = await fetchManifest(name).catch(() => undefined);
      if (named?.descriptor.digest !== descriptor.digest) throw error;
    }
  };

  /** An answer to HEAD has no body, so a 403 does not tell a rate limit from a refusal. */
  const hasBlob = (blob: BlobDescriptor): Promise<boolean> =>
    transport.call(checkBlob(blob)).catch((error: unknown) => {
      if (!isPinlaneError(error, 'ERR_REGISTRY_DENIED')) throw error;
      return transport.call(checkBlobByGet(blob));
    });

  const allTags = async (): Promise<string[]> => {
    const tags = new Set<string>();
    for await (const page of readPages(transport, listTags)) {
      page.forEach((tag) => tags.add(tag));
      if (tags.size > TAGS_AT_MOST) fail('ERR_REGISTRY_PROTOCOL', `${repository.host}/${repository.path} has more than ${TAGS_AT_MOST} tags`);
    }
    return [...tags];
  };

  return {
    repository,
    retry: policy,
    readManifest: (digest: Digest) => fetchManifest(digest),
    resolve: async (tagOrDigest) => (await fetchManifest(isDigest(tagOrDigest) ? tagOrDigest : checkTag(tagOrDigest))).descriptor,
    openBlob: (blob: BlobDescriptor) => verified(readResuming(transport, blob), blob),
    hasBlob,
    putBlob: (blob, open, { mount = true } = {}) => upload(blob, open, mount ? from : undefined),
    putManifest: (descriptor, bytes) => put(descriptor.digest, descriptor, bytes),
    tag: putTag,
    referrers: (subject, artifactType) => referrers.list(subject, artifactType),
    tags: allTags,
  };
};
