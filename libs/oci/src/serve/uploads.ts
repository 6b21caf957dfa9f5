import type { IncomingMessage } from 'node:http';
import { isRepositoryPath } from '@pinlane/contracts';
import { blobSize, claimBlob } from '../store/blobs.ts';
import type { AnyDigest } from '../store/digests.ts';
import { announcedLength, bodyOf } from './body.ts';
import { chunkOf } from './range.ts';
import { refuse } from './refusal.ts';
import { addTo, sizeIn, type Registry } from './registry.ts';
import type { Reply } from './reply.ts';
import { requireDigest } from './target.ts';
import { rangeTo } from './upload-sessions.ts';

/** A request about an upload. */
export interface UploadRequest {
  readonly request: IncomingMessage;
  readonly repository: string;
  readonly query: URLSearchParams;
}

const uploadHeaders = (repository: string, id: string, size: number) => ({
  location: `/v2/${repository}/blobs/uploads/${id}`,
  'docker-upload-uuid': id,
  range: rangeTo(size),
  'content-length': '0',
});

const created = (repository: string, digest: AnyDigest): Reply => ({
  status: 201,
  headers: { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest, 'content-length': '0' },
});

/** Adds a request's body to an upload. If the body breaks off, the bytes of a PATCH are kept, so that the upload can go on; those of a PUT are not. */
const take = async ({ uploads, blobLimit, pace }: Registry, { request, repository }: UploadRequest, id: string): Promise<number> => {
  const announced = request.headers['content-range'];
  const part = announced === undefined ? undefined : (chunkOf(announced) ?? refuse(400, 'BLOB_UPLOAD_INVALID', 'the Content-Range is malformed'));
  announcedLength(request, blobLimit, 'a blob');
  return uploads.append(repository, id, {
    body: bodyOf(request, pace),
    keepPartial: request.method === 'PATCH',
    cut: () => void request.destroy(),
    ...(part ? { first: part.first, length: part.last - part.first + 1 } : {}),
  });
};

const whole = async (registry: Registry, asked: UploadRequest, id: string, digest: AnyDigest): Promise<Reply> => {
  await take(registry, asked, id);
  await registry.uploads.finish(asked.repository, id, digest);
  await addTo(registry, asked.repository, digest);
  return created(asked.repository, digest);
};

/** Mounts a blob from the repository that the query names, or from anywhere in the store if it names none; undefined if the blob is not there. */
const mounted = async (registry: Registry, { repository, query }: UploadRequest, digest: AnyDigest): Promise<Reply | undefined> => {
  const from = query.get('from');
  if (from !== null && !isRepositoryPath(from)) return undefined;
  const size = from === null ? blobSize(registry.paths, digest) : await sizeIn(registry, from, digest);
  if (size === undefined || !claimBlob(registry.paths, { digest, size })) return undefined;
  await addTo(registry, repository, digest);
  return created(repository, digest);
};

/** POST: begins an upload, mounts a blob, or takes a whole blob at once. @throws Refusal */
export const startUpload = async (registry: Registry, asked: UploadRequest): Promise<Reply> => {
  const { repository, query } = asked;
  const mount = query.get('mount');
  const reply = mount === null ? undefined : await mounted(registry, asked, requireDigest(mount));
  if (reply) return reply;
  const digest = mount === null && query.has('digest') ? requireDigest(query.get('digest') as string) : undefined;
  const id = await registry.uploads.start(repository);
  if (digest === undefined) return { status: 202, headers: uploadHeaders(repository, id, 0) };
  try {
    return await whole(registry, asked, id, digest);
  } catch (error) {
    // The client was not told of this upload, so nobody can go on with it.
    await registry.uploads.cancel(repository, id).catch(() => undefined);
    throw error;
  }
};

/** PATCH: adds bytes. @throws Refusal 404, 413, 416 */
export const continueUpload = async (registry: Registry, asked: UploadRequest, id: string): Promise<Reply> => {
  const size = await take(registry, asked, id);
  return { status: 202, headers: uploadHeaders(asked.repository, id, size) };
};

/** PUT: adds the last bytes, if any, and closes the upload. @throws Refusal 400, 404, 413, 416 */
export const finishUpload = (registry: Registry, asked: UploadRequest, id: string): Promise<Reply> =>
  whole(registry, asked, id, requireDigest(asked.query.get('digest') ?? ''));

/** GET: says how far an upload has come. @throws Refusal 404 */
export const uploadStatus = async (registry: Registry, { repository }: UploadRequest, id: string): Promise<Reply> => {
  const { 'content-length': _, ...headers } = uploadHeaders(repository, id, await registry.uploads.size(repository, id));
  return { status: 204, headers };
};

/** DELETE: gives an upload up. @throws Refusal 404 */
export const cancelUpload = async (registry: Registry, { repository }: UploadRequest, id: string): Promise<Reply> => {
  await registry.uploads.cancel(repository, id);
  return { status: 204 };
};
