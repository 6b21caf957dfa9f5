import { fail, isDigest, isPinlaneError, isTag, quoted, type Digest, type Repository } from '@pinlane/contracts';
import { parseDocument, verified, verifyBytes, type BlobDescriptor, type ContentSink, type ContentSource, type Descriptor } from '../../content/index.ts';
import { scopeOf } from '../auth/authorizer.ts';
import type { RunCredentialHelper } from '../auth/credential-helper.ts';
import { remembered, type CredentialSource } from '../auth/credentials.ts';
import { dockerCredentials } from '../auth/docker-config.ts';
import { endpointOf } from '../http/endpoint.ts';
import { RETRY_POLICY, untilAborted, type RetryPolicy } from '../http/retry.ts';
import { createSend } from '../http/send.ts';
import { createReferrers, type Referrers } from '../referrers/referrers.ts';
import { checkBlob, checkBlobByGet } from '../requests/blobs.ts';
import { listTags, readPages } from '../requests/lists.ts';
import { getManifest, putManifest } from '../requests/manifests.ts';
import { createTransport, type Transport } from '../requests/transport.ts';
import { beginUpload, cancelUpload } from '../requests/uploads.ts';
import { CHUNK_POLICY, createUpload, type ChunkPolicy } from '../upload/upload-blob.ts';
import { readResuming } from './resume.ts';

/** A repository of a registry. All that it delivers was checked against its digest; headers are not trusted. */
export interface RegistryRepository extends ContentSource, ContentSink {
  readonly repository: Repository;
  /** How failures that pass are retried, for work that takes several requests. */
  readonly retry: RetryPolicy;
  /** The descriptor that a tag names now, or of a digest. @throws ERR_MANIFEST_UNKNOWN, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH */
  resolve(tagOrDigest: string): Promise<Descriptor>;
  /** The manifest that a tag names now. @throws ERR_MANIFEST_UNKNOWN, ERR_MANIFEST_INVALID */
  readTagged(tag: string): ReturnType<ContentSource['readManifest']>;
  /** Puts a tag on a manifest whose blobs and children are in the registry. If the tag can't be written anew, it is good if it names that manifest. */
  tag(name: string, descriptor: Descriptor, bytes: Uint8Array): Promise<void>;
  /**
   * As in `ContentSink`. `mount` names the repository to mount it from, which has to be one of `mountFrom`, the first of which is asked otherwise; with `false`
   * the bytes are sent even if another repository has them.
   */
  putBlob(blob: BlobDescriptor, open: () => AsyncIterable<Uint8Array>, options?: { readonly mount?: boolean | Repository }): Promise<void>;
  /** As in `ContentSink`. A manifest with a subject is listed as a referrer, by the registry or under the tag that stands in for its list. */
  putManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void>;
  /**
   * Lists what refers to a manifest, which need not be there; of one artifact type, or of all. The list is a claim of the registry: see `readAttached`.
   * @throws ERR_MANIFEST_INVALID, ERR_REGISTRY_PROTOCOL
   */
  referrers(subject: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
  /** Every tag; none if the repository does not exist. @throws ERR_REGISTRY_PROTOCOL */
  tags(): Promise<readonly string[]>;
  /**
   * Finds out whether images may be pushed here: an upload is begun, for only that tells of every registry, and given up.
   * @returns whether nothing of it is left: a registry that can't give an upload up forgets it by itself
   * @throws ERR_REGISTRY_AUTH or ERR_REGISTRY_DENIED if they may not; ERR_REGISTRY_UNAVAILABLE, ERR_REGISTRY_PROTOCOL
   */
  checkPush(): Promise<{ readonly clean: boolean }>;
}

export interface RepositoryOptions {
  /** Where credentials come from; Docker's configuration if absent. They are looked up only when the registry asks for some. */
  readonly auth?: CredentialSource;
  /** Runs the credential helper that Docker's configuration names; without it, such a configuration is an error. */
  readonly runCredentialHelper?: RunCredentialHelper;
  /** Whether a registry on another machine is reached by plain HTTP. */
  readonly insecure?: boolean;
  /**
   * Whether the repository is opened for writing: every request then asks for the right to push. Some registries, such as Docker Hub and Quay, answer 401 to
   * a mere reader of a repository that does not exist yet, and then nobody could ask what is there before the first push.
   */
  readonly writes?: boolean;
  readonly retry?: Partial<RetryPolicy>;
  /** How long an exchange may go without any progress, in ms; a minute if absent. */
  readonly idleMs?: number;
  readonly signal?: AbortSignal;
  /** Repositories of the same registry that may have the same blobs; they are mounted from there if the registry can do that. */
  readonly mountFrom?: Repository | readonly Repository[];
  readonly chunks?: Partial<ChunkPolicy>;
}

const TAGS_AT_MOST = 100_000;

/** The errors of a registry that lets no tag be written anew: 400 TAG_INVALID (Amazon), 403 (Docker Hub) or 412 (Harbor). */
const TAG_REFUSED = ['ERR_REGISTRY_PROTOCOL', 'ERR_REGISTRY_DENIED'] as const;

const checkTag = (name: string): string => (isTag(name) ? name : fail('ERR_REFERENCE_INVALID', `${quoted(name, 200)} is neither a tag nor a digest`));

type Fetched = Awaited<ReturnType<ContentSource['readManifest']>>;

const fetchManifest = async (transport: Transport, tagOrDigest: string): Promise<Fetched> => {
  const bytes = await transport.call(getManifest(tagOrDigest));
  if (isDigest(tagOrDigest)) verifyBytes(bytes, tagOrDigest);
  return { descriptor: parseDocument(bytes).descriptor, bytes };
};

type PutManifest = (target: string, descriptor: Descriptor, bytes: Uint8Array) => Promise<void>;

/** Puts manifests under a tag or their digest, and notes them as referrers if they have a subject. */
const createPut =
  (transport: Transport, referrers: Referrers): PutManifest =>
  async (target, { digest, size, mediaType }, bytes) => {
    verifyBytes(bytes, digest, size);
    const document = parseDocument(bytes);
    const actual = document.descriptor.mediaType;
    if (actual !== mediaType) fail('ERR_MANIFEST_INVALID', `${digest} is announced as ${mediaType} and is ${actual}`);
    await referrers.note(document, await transport.call(putManifest(target, mediaType, bytes)));
  };

/** Puts a manifest under a tag. A registry that lets no tag be written anew refuses even the manifest that the tag names already; that one is good. */
const putTag = async (transport: Transport, put: PutManifest, name: string, descriptor: Descriptor, bytes: Uint8Array): Promise<void> => {
  try {
    await put(checkTag(name), descriptor, bytes);
  } catch (error) {
    if (!TAG_REFUSED.some((code) => isPinlaneError(error, code))) throw error;
    const named = await fetchManifest(transport, name).catch(() => undefined);
    if (named?.descriptor.digest !== descriptor.digest) throw error;
  }
};

/** Asks for a blob by HEAD. Its answer has no body, so a 403 does not tell a rate limit from a refusal, and GET has to ask again. */
const hasBlob = (transport: Transport, blob: BlobDescriptor): Promise<boolean> =>
  transport.call(checkBlob(blob)).catch((error: unknown) => {
    if (!isPinlaneError(error, 'ERR_REGISTRY_DENIED')) throw error;
    return transport.call(checkBlobByGet(blob));
  });

const allTags = async (transport: Transport, { host, path }: Repository): Promise<string[]> => {
  const tags = new Set<string>();
  for await (const page of readPages(transport, listTags)) {
    page.forEach((tag) => tags.add(tag));
    if (tags.size > TAGS_AT_MOST) fail('ERR_REGISTRY_PROTOCOL', `${host}/${path} has more than ${TAGS_AT_MOST} tags`);
  }
  return [...tags];
};

/** The paths of the other repositories that blobs can be mounted from: they have to be of the same registry. */
const mountablePaths = (repository: Repository, mountFrom: Repository | readonly Repository[] = []): string[] => [
  ...new Set(
    [mountFrom]
      .flat()
      .filter(({ host, path }) => host === repository.host && path !== repository.path)
      .map(({ path }) => path),
  ),
];

/** The path to mount a blob from; undefined if it is not to be mounted. */
const pathToMount = (paths: readonly string[], mount: boolean | Repository): string | undefined => {
  if (mount === false) return undefined;
  return mount !== true && paths.includes(mount.path) ? mount.path : paths[0];
};

const transportFor = (repository: Repository, from: readonly string[], options: RepositoryOptions): Transport => {
  const { auth = dockerCredentials(options.runCredentialHelper, process.env, options.signal), insecure, writes, idleMs = 60_000, signal } = options;
  return createTransport({
    endpoint: endpointOf(repository, insecure),
    credentials: remembered(auth),
    send: createSend({ idleMs, signal }),
    policy: untilAborted({ ...RETRY_POLICY, ...options.retry }, signal),
    writes,
    ...(from.length === 0 ? {} : { scopes: from.map((path) => scopeOf(path, 'pull')) }),
  });
};

/** How long a registry is waited for that is to give an upload up, in ms. It is asked also if the work was broken off meanwhile. */
const CANCEL_MS = 4_000;

/** As `crane` finds it out (go-containerregistry, pkg/v1/remote/check.go). */
const checkPush = async (repository: Repository, transport: Transport, options: RepositoryOptions): Promise<{ readonly clean: boolean }> => {
  const begun = await beginUpload((request) => transport.call(request), undefined);
  if (begun.kind === 'mounted') return { clean: true };
  const calm = transportFor(repository, [], { ...options, retry: { attempts: 1 }, signal: AbortSignal.timeout(CANCEL_MS), idleMs: CANCEL_MS });
  return { clean: await calm.call(cancelUpload(begun.location)).catch(() => false) };
};

/**
 * Opens a repository; nothing is sent before the first request. Registries on this machine (localhost and below, 127.0.0.0/8, ::1) are first tried by plain
 * HTTP and reached by TLS if they turn out to want it; every other registry is reached by HTTPS (distribution specification 1.1).
 * @throws ERR_REFERENCE_INVALID for the local store's name
 */
export const openRepository = (repository: Repository, options: RepositoryOptions = {}): RegistryRepository => {
  const from = mountablePaths(repository, options.mountFrom);
  const transport = transportFor(repository, from, options);
  const upload = createUpload(transport, { ...CHUNK_POLICY, ...options.chunks });
  const referrers = createReferrers(transport);
  const put = createPut(transport, referrers);
  return {
    repository,
    retry: transport.policy,
    readManifest: (digest) => fetchManifest(transport, digest),
    resolve: async (tagOrDigest) => (await fetchManifest(transport, isDigest(tagOrDigest) ? tagOrDigest : checkTag(tagOrDigest))).descriptor,
    readTagged: (tag) => fetchManifest(transport, checkTag(tag)),
    openBlob: (blob) => verified(readResuming(transport, blob), blob),
    hasBlob: (blob) => hasBlob(transport, blob),
    putBlob: (blob, open, { mount = true } = {}) => upload(blob, open, pathToMount(from, mount)),
    putManifest: (descriptor, bytes) => put(descriptor.digest, descriptor, bytes),
    tag: (name, descriptor, bytes) => putTag(transport, put, name, descriptor, bytes),
    referrers: (subject, artifactType) => referrers.list(subject, artifactType),
    tags: () => allTags(transport, repository),
    checkPush: () => checkPush(repository, transport, options),
  };
};
