import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseRepository, type Digest } from '@pinlane/contracts';
import { codeOf, drain, jsonBytes, makeImage, sourceOf, startRegistry, temporaryFolder, type TestImage, type TestRegistry } from '@pinlane/testing';
import {
  attachArtifact,
  describe as describeBytes,
  OCI_INDEX,
  OCI_MANIFEST,
  openRepository,
  pushImage,
  readAttached,
  serveStore,
  sha256,
  type RegistryRepository,
} from '../../../src/index.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

const connect = (host: string): RegistryRepository =>
  openRepository(parseRepository(`${host}/team/app`), { auth: async () => undefined, retry: { sleep: async () => undefined } });

const REPORT = 'application/vnd.example.report+json';
const artifact = (word: string, artifactType = REPORT) => ({
  artifactType,
  files: [{ mediaType: 'application/json', bytes: jsonBytes({ word }) }],
  annotations: { word },
});

/** A registry that has a list of referrers, and one that has none; an image in each. */
const places = {
  'with a list of referrers': async () => {
    const server = await serveStore({ root: join(temporaryFolder('oci'), 'store') });
    closing.push(() => server.close());
    return new URL(server.origin).host;
  },
  'without one': async () => {
    const registry = await startRegistry();
    closing.push(registry.close);
    return registry.host;
  },
};

const withImage = async (host: string): Promise<{ repository: RegistryRepository; image: TestImage; subject: TestImage['index']['descriptor'] }> => {
  const image = makeImage();
  const repository = connect(host);
  await pushImage(sourceOf(image), repository, image.index.descriptor.digest);
  return { repository, image, subject: image.platforms[0]!.descriptor };
};

const tagOf = (digest: Digest) => digest.replace(':', '-');

describe.each(Object.entries(places))('What is attached to a manifest in a registry %s', (name, place) => {
  it('is found by its type, with its bytes, and is attached once however often', async () => {
    const { repository, subject } = await withImage(await place());
    expect(await repository.referrers(subject.digest)).toEqual([]);
    const first = await attachArtifact(repository, subject, artifact('one'));
    await attachArtifact(repository, subject, artifact('one'));
    const second = await attachArtifact(repository, subject, artifact('two'));
    await attachArtifact(repository, subject, artifact('three', 'application/vnd.example.other'));

    expect(await repository.referrers(subject.digest)).toHaveLength(3);
    const listed = await repository.referrers(subject.digest, REPORT);
    expect(listed.map(({ digest }) => digest).sort()).toEqual([first.descriptor.digest, second.descriptor.digest].sort());
    expect(listed.every(({ artifactType, annotations }) => artifactType === REPORT && annotations?.['word'] !== undefined)).toBe(true);

    const attached = await readAttached(repository, subject.digest, REPORT);
    const texts = await Promise.all(attached.map(async ({ manifest }) => (await drain(repository.openBlob(manifest.layers[0]!))).toString()));
    expect(texts.sort()).toEqual(['{"word":"one"}', '{"word":"two"}']);
    expect(await repository.referrers(sha256('nothing'))).toEqual([]);
    expect((await repository.tags()).includes(tagOf(subject.digest))).toBe(name === 'without one');
  });

  it('by many at once is all there', async () => {
    const { repository, subject } = await withImage(await place());
    await Promise.all(Array.from({ length: 8 }, (_, word) => attachArtifact(repository, subject, artifact(String(word)))));
    expect(await repository.referrers(subject.digest)).toHaveLength(8);
  });
});

describe('The tag that stands in for a list of referrers', () => {
  const start = async (): Promise<{ registry: TestRegistry } & Awaited<ReturnType<typeof withImage>>> => {
    const registry = await startRegistry();
    closing.push(registry.close);
    return { registry, ...(await withImage(registry.host)) };
  };
  const putTag = (registry: TestRegistry, subject: Digest, bytes: Uint8Array) =>
    void registry.manifests.set(`team/app:${tagOf(subject)}`, { mediaType: OCI_INDEX, bytes });
  const tagged = (registry: TestRegistry, subject: Digest) =>
    JSON.parse(Buffer.from(registry.manifests.get(`team/app:${tagOf(subject)}`)!.bytes).toString()) as Record<string, unknown> & { manifests: unknown[] };

  it('keeps what others wrote there, to the letter', async () => {
    const { registry, repository, subject } = await start();
    const others = [
      { mediaType: OCI_MANIFEST, digest: sha256('other'), size: 1, artifactType: 'application/x', 'x-unknown': { deep: [1] } },
      { mediaType: OCI_MANIFEST, digest: `sha512:${'a'.repeat(128)}`, size: 1 },
    ];
    registry.manifests.set(`team/app@${sha256('other')}`, { mediaType: OCI_MANIFEST, bytes: Buffer.from('{}') });
    registry.manifests.set(`team/app@${others[1]!.digest}`, { mediaType: OCI_MANIFEST, bytes: Buffer.from('{}') });
    putTag(registry, subject.digest, jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: others, annotations: { a: 'b' } }));
    await attachArtifact(repository, subject, artifact('one'));
    const now = tagged(registry, subject.digest);
    expect(now.manifests.slice(0, 2)).toEqual(others);
    expect(now.manifests).toHaveLength(3);
    expect(now['annotations']).toEqual({ a: 'b' });
  });

  it('that lists what was deleted hides nothing else, and is written without it where the registry wants that', async () => {
    const { registry, repository, subject } = await start();
    const [kept, gone] = [await attachArtifact(repository, subject, artifact('kept')), await attachArtifact(repository, subject, artifact('gone'))];
    const attached = async () => (await readAttached(repository, subject.digest, REPORT)).map(({ descriptor }) => descriptor.digest);
    registry.manifests.delete(`team/app@${gone.descriptor.digest}`);
    expect(await attached()).toEqual([kept.descriptor.digest]);
    const added = await attachArtifact(repository, subject, artifact('added'));
    expect(await attached()).toEqual([kept, added].map(({ descriptor }) => descriptor.digest));
    expect(tagged(registry, subject.digest).manifests).toHaveLength(2);
  });

  it('is written again where another writer was faster', async () => {
    const { registry, repository, subject } = await start();
    const isTag = ({ method, url }: { method: string; url: string }) => method === 'PUT' && url.endsWith(tagOf(subject.digest));
    // The write is answered and then undone, as by one who had read the tag before it.
    registry.faults.push({ when: isTag, times: 1, fault: { kind: 'answer', status: 201 } });
    const { descriptor } = await attachArtifact(repository, subject, artifact('one'));
    expect((await repository.referrers(subject.digest)).map(({ digest }) => digest)).toEqual([descriptor.digest]);
    expect(registry.requests.filter(isTag)).toHaveLength(2);
  });

  it('is given up where it never stays, and the error says so', async () => {
    const { registry, repository, subject } = await start();
    registry.faults.push({ when: ({ method, url }) => method === 'PUT' && url.endsWith(tagOf(subject.digest)), fault: { kind: 'answer', status: 201 } });
    expect(await codeOf(() => attachArtifact(repository, subject, artifact('one')))).toBe('ERR_REGISTRY_UNAVAILABLE');
  });

  it('that is something else is left alone', async () => {
    const { registry, repository, subject } = await start();
    const bytes = Buffer.from('{"schemaVersion":1}');
    putTag(registry, subject.digest, bytes);
    expect(await codeOf(() => attachArtifact(repository, subject, artifact('one')))).toBe('ERR_MANIFEST_INVALID');
    expect(registry.manifests.get(`team/app:${tagOf(subject.digest)}`)?.bytes).toBe(bytes);
  });

  it('is not believed: what it lists must name the subject itself', async () => {
    const { registry, repository, subject, image } = await start();
    const other = await attachArtifact(repository, image.platforms[1]!.descriptor, artifact('for another'));
    const mine = await attachArtifact(repository, subject, artifact('mine'));
    const listed = [other, mine].map(({ descriptor }) => descriptor);
    putTag(registry, subject.digest, jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: listed }));
    expect(await repository.referrers(subject.digest, REPORT)).toHaveLength(2);
    expect((await readAttached(repository, subject.digest, REPORT)).map(({ descriptor }) => descriptor.digest)).toEqual([mine.descriptor.digest]);
  });
});

describe('A list in pages', () => {
  const start = async () => {
    const registry = await startRegistry();
    closing.push(registry.close);
    return { registry, repository: connect(registry.host) };
  };
  const page = (tags: readonly string[], link?: string) =>
    ({
      kind: 'answer',
      status: 200,
      headers: { 'content-type': 'application/json', ...(link === undefined ? {} : { link }) },
      body: JSON.stringify({ tags }),
    }) as const;
  const isList = ({ url }: { url: string }) => url.includes('/tags/list');

  it('of tags is read to its end', async () => {
    const { registry, repository } = await start();
    const all = Array.from({ length: 2500 }, (_, position) => `v${String(position).padStart(4, '0')}`);
    for (const tag of all) registry.manifests.set(`team/app:${tag}`, { mediaType: OCI_INDEX, bytes: Buffer.from('{}') });
    expect(await repository.tags()).toEqual(all);
    expect(registry.requests.filter(isList)).toHaveLength(3);
  });

  it('of a repository that is not there is empty', async () => {
    const { registry, repository } = await start();
    registry.faults.push({ when: isList, fault: { kind: 'answer', status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' } });
    expect(await repository.tags()).toEqual([]);
  });

  it.each([
    ['in a circle', '</v2/team/app/tags/list?last=a>; rel="next"'],
    ['to another origin', '<http://localhost:1/v2/team/app/tags/list?last=a>; rel="next"'],
    ['to no address', '<http://[>; rel=next'],
  ])('that leads %s is an error', async (_, link) => {
    const { registry, repository } = await start();
    registry.faults.push({ when: isList, fault: page(['a'], link) });
    expect(await codeOf(() => repository.tags())).toBe('ERR_REGISTRY_PROTOCOL');
    expect(registry.requests.length).toBeLessThan(4);
  });

  it('that never ends is left', async () => {
    const { registry, repository } = await start();
    let number = 0;
    registry.faults.push({
      when: isList,
      get fault() {
        return page(['a'], `</v2/team/app/tags/list?last=${number++}>; rel="next"`);
      },
    });
    expect(await codeOf(() => repository.tags())).toBe('ERR_REGISTRY_PROTOCOL');
    expect(number).toBeLessThan(1100);
  });

  it('of referrers is read to its end, and filtered here where the registry did not', async () => {
    const { registry, repository } = await start();
    const entry = (word: string, artifactType: string) => ({ ...describeBytes(OCI_MANIFEST, Buffer.from(word)), artifactType });
    const index = (entries: readonly object[], link: Record<string, string> = {}) =>
      ({
        kind: 'answer',
        status: 200,
        headers: { 'content-type': OCI_INDEX, ...link },
        body: jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries }),
      }) as const;
    const subject = sha256('subject');
    const next = { link: `<?artifactType=x&last=1>; rel="next"`, 'oci-filters-applied': 'artifactType' };
    registry.faults.push(
      { when: ({ url }) => url.endsWith('last=1'), fault: index([entry('b', REPORT), entry('c', 'application/other')]) },
      { when: ({ url }) => url.includes('/referrers/'), fault: index([entry('a', REPORT), entry('d', 'application/other')], next) },
    );
    expect((await repository.referrers(subject, REPORT)).map(({ digest }) => digest)).toEqual([sha256('a'), sha256('b')]);
    // One that breaks off says nothing, and least of all that there is no such list.
    registry.faults.unshift({ when: ({ url }) => url.endsWith('last=1'), fault: { kind: 'answer', status: 404 } });
    expect(await codeOf(() => repository.referrers(subject, REPORT))).toBe('ERR_REGISTRY_PROTOCOL');
  });
});
