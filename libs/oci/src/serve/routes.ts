import type { IncomingMessage } from 'node:http';
import { MANIFEST_LIMIT } from '../content/index.ts';
import { deleteBlob, getBlob, headBlob } from './blobs.ts';
import { wholeBody } from './body.ts';
import { deleteManifest, getManifest, putManifest } from './manifests.ts';
import { listReferrers } from './referrers.ts';
import { refuse } from './refusal.ts';
import type { Registry } from './registry.ts';
import { jsonReply, type Reply } from './reply.ts';
import { listTags } from './tags.ts';
import { parseTarget, type Target } from './target.ts';
import { cancelUpload, continueUpload, finishUpload, startUpload, uploadStatus } from './uploads.ts';

type Kind = Target['kind'];
type Answer<K extends Kind> = (
  registry: Registry,
  target: Target & { readonly kind: K },
  asked: { readonly request: IncomingMessage; readonly query: URLSearchParams },
) => Promise<Reply>;

const getTags: Answer<'tags'> = (registry, { repository }, { query }) => listTags(registry, repository, query);
const readManifest: Answer<'manifest'> = (registry, { repository, reference }) => getManifest(registry, repository, reference);
const getReferrers: Answer<'referrers'> = (registry, { repository, digest }, { query }) => listReferrers(registry, repository, digest, query);
const base: Answer<'base'> = () => Promise.resolve(jsonReply(200, {}));

// Unless HEAD has an answer of its own, it is answered as GET, and the body is left out when the reply is written.
const ROUTES: { readonly [K in Kind]: Readonly<Record<string, Answer<K>>> } = {
  base: { GET: base, HEAD: base },
  tags: { GET: getTags, HEAD: getTags },
  referrers: { GET: getReferrers, HEAD: getReferrers },
  manifest: {
    GET: readManifest,
    HEAD: readManifest,
    PUT: async (registry, { repository, reference }, { request }) =>
      putManifest(registry, {
        repository,
        reference,
        contentType: request.headers['content-type'],
        bytes: await wholeBody(request, MANIFEST_LIMIT, 'a manifest', registry.pace),
      }),
    DELETE: (registry, { repository, reference }) => deleteManifest(registry, repository, reference),
  },
  blob: {
    GET: (registry, { repository, digest }, { request }) => getBlob(registry, repository, digest, request.headers.range),
    HEAD: (registry, { repository, digest }) => headBlob(registry, repository, digest),
    DELETE: (registry, { repository, digest }) => deleteBlob(registry, repository, digest),
  },
  uploads: { POST: (registry, { repository }, asked) => startUpload(registry, { ...asked, repository }) },
  upload: {
    GET: (registry, { repository, id }, asked) => uploadStatus(registry, { ...asked, repository }, id),
    HEAD: (registry, { repository, id }, asked) => uploadStatus(registry, { ...asked, repository }, id),
    PATCH: (registry, { repository, id }, asked) => continueUpload(registry, { ...asked, repository }, id),
    PUT: (registry, { repository, id }, asked) => finishUpload(registry, { ...asked, repository }, id),
    DELETE: (registry, { repository, id }, asked) => cancelUpload(registry, { ...asked, repository }, id),
  },
};

const READING = ['GET', 'HEAD'];

const dispatch = <K extends Kind>(registry: Registry, target: Target & { readonly kind: K }, request: IncomingMessage, query: URLSearchParams) => {
  const routes: Readonly<Record<string, Answer<K>>> = ROUTES[target.kind];
  const method = request.method ?? '';
  const allowed = Object.keys(routes).filter((each) => !registry.readOnly || READING.includes(each));
  if (!allowed.includes(method))
    return refuse(405, 'UNSUPPORTED', registry.readOnly ? 'this registry is only to be read' : `${method} means nothing here`, { allow: allowed.join(', ') });
  return (routes[method] as Answer<K>)(registry, target, { request, query });
};

/** Answers one request. @throws Refusal, and whatever else goes wrong */
export const answer = async (registry: Registry, request: IncomingMessage): Promise<Reply> => {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return dispatch(registry, parseTarget(mark === -1 ? url : url.slice(0, mark)), request, new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)));
};
