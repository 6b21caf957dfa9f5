import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EVIDENCE_TYPE, parseDigest, parsePinnedReference, type AcceptanceReport, type PinnedReference } from '@pinlane/contracts';
import { attachArtifact, openRepository, openStore, type ContentSink, type ContentSource, type Store } from '@pinlane/oci';
import { putImage, startRegistry, temporaryFolder, type TestRegistry } from '@pinlane/testing';
import { evidenceText } from '@pinlane/pipeline';
import { openLocations } from '../../src/images/locations.ts';
import { acceptance } from '../../src/verbs/acceptance/acceptance.ts';
import { attachEvidence, readEvidence } from '../../src/images/evidence.ts';
import { workspacePaths } from '../../src/workspace/paths.ts';
import { contextOf, withFiles } from './support/verb-context.ts';
import { makeImage } from './support/images.ts';
import { empty, unnamed } from './support/registry-state.ts';

const image = makeImage('acme-one');
const other = makeImage('acme-one', 'other');
const { digest } = image.amd64.descriptor;
const about = { ref: 'acme/one@1' as AcceptanceReport['ref'], digest, platform: 'linux/amd64' as const };

const report = (pinned: PinnedReference, more: Partial<AcceptanceReport> = {}): AcceptanceReport => ({
  kind: 'AcceptanceReport',
  schemaVersion: 1,
  ref: about.ref,
  image: `${pinned.host}/${pinned.path}@${pinned.digest}`,
  digest,
  platform: 'linux/amd64',
  lane: 'staging',
  pinned: true,
  isolation: { runtime: 'bubblewrap', network: 'blocked', filesystem: 'read-only', user: 'unprivileged', processes: 'own' },
  verdict: 'accepted',
  checks: [{ rule: 'healthz.ok', title: 'It is healthy', outcome: 'passed', message: '', durationMs: 3 }],
  startedAt: '2026-11-23T12:00:00.000Z',
  durationMs: 1000,
  healthyAfterMs: 100,
  log: null,
  ...more,
});

let registry: TestRegistry;
let folder: string;
let store: Store;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());
beforeEach(() => {
  folder = temporaryFolder('evidence');
  store = openStore(join(folder, 'store'));
});
afterEach(() => empty(registry));

const places = {
  store: () => ({ name: 'store.localhost/acme-one', place: store as ContentSink & ContentSource }),
  registry: () => ({ name: `${registry.host}/acme/acme-one`, place: openRepository({ host: registry.host, path: 'acme/acme-one' }) }),
};

const locations = () => ({ ...openLocations(workspacePaths('/nowhere', 'local'), { insecureRegistries: new Set() }), store });

describe.each(['store', 'registry'] as const)('evidence in a %s', (kind) => {
  const open = async () => {
    const { name, place } = places[kind]();
    await putImage(place, image);
    const pinned = parsePinnedReference(`${name}@${digest}`);
    return { pinned, place };
  };

  it('is read back as it was attached, once for all that say the same, the newest first', async () => {
    const { pinned } = await open();
    expect(await readEvidence(about, pinned, locations())).toEqual({ found: [], ignored: [] });
    const first = report(pinned);
    expect(await attachEvidence(first, 'staging', pinned, locations())).toContain('attached to');
    expect(await attachEvidence({ ...first, startedAt: '2026-11-24T12:00:00.000Z', durationMs: 1 }, 'staging', pinned, locations())).toContain(
      'is attached already',
    );
    const more = [...first.checks, { rule: 'case:a#b', title: 'b', outcome: 'skipped' as const, message: 'why', durationMs: 0 }];
    await attachEvidence({ ...first, checks: more, startedAt: '2026-11-25T12:00:00.000Z' }, 'staging', pinned, locations());
    const { found, ignored } = await readEvidence(about, pinned, locations());
    expect(found.map(({ startedAt, lane, passed }) => [startedAt.slice(0, 10), lane, passed])).toEqual([
      ['2026-11-25', 'staging', 1],
      ['2026-11-23', 'staging', 1],
    ]);
    expect(ignored).toEqual([]);
    // The other platform's image, and another image, have none of it.
    expect((await readEvidence({ ...about, digest: image.arm64.descriptor.digest, platform: 'linux/arm64' }, pinned, locations())).found).toEqual([]);
  });

  const LIES: [string, (pinned: PinnedReference) => Partial<AcceptanceReport> | string, RegExp][] = [
    ['is about another image', () => ({ digest: other.amd64.descriptor.digest }), /it is about [0-9a-f]{12}/],
    ['names another image', ({ host, path }) => ({ image: `${host}/${path}@${other.amd64.descriptor.digest}` }), /it is about/],
    ['is about another processor', () => ({ ref: 'acme/two@1' as AcceptanceReport['ref'] }), /acme\/two@1/],
    ['is about another platform', () => ({ platform: 'linux/arm64' }), /linux\/arm64/],
    ['is about an image that was not pinned', () => ({ pinned: false }), /not pinned/],
    ['rejected the image', () => ({ verdict: 'rejected' }), /verdict/],
    ['calls accepted what failed', () => ({ checks: [{ rule: 'run.ok', title: 't', outcome: 'failed', message: 'm', durationMs: 1 }] }), /failed run\.ok/],
    ['checked nothing', () => ({ checks: [] }), /nothing was checked/],
    [
      'was made with an open network',
      () => ({ isolation: { runtime: 'host', network: 'open', filesystem: 'open', user: 'same', processes: 'shared' } }),
      /network was not blocked/,
    ],
    ['has a key too many', (pinned) => JSON.stringify({ ...report(pinned), approved: true }), /not an AcceptanceReport/],
    ['carries evidence itself', (pinned) => JSON.stringify({ ...report(pinned), evidence: { found: [], ignored: [] } }), /not an AcceptanceReport/],
    ['is no JSON', () => 'accepted!', /not JSON/],
    ['is too long', () => ' '.repeat(1024 * 1024 + 1), /larger than/],
  ];
  it.each(LIES)('is ignored and named where the report %s', async (_, lie, reason) => {
    const { pinned, place } = await open();
    const told = lie(pinned);
    const text = typeof told === 'string' ? told : evidenceText(report(pinned, told));
    await attachArtifact(place, image.amd64.descriptor, { artifactType: EVIDENCE_TYPE, files: [{ mediaType: EVIDENCE_TYPE, bytes: Buffer.from(text) }] });
    await attachEvidence(report(pinned), 'staging', pinned, locations());
    const { found, ignored } = await readEvidence(about, pinned, locations());
    expect(found).toHaveLength(1);
    expect(ignored).toEqual([{ artifact: expect.stringMatching(/^sha256:/), reason: expect.stringMatching(reason) }]);
  });

  it('is ignored where the artefact carries two reports, another file, or is of another type', async () => {
    const { pinned, place } = await open();
    const bytes = Buffer.from(evidenceText(report(pinned)));
    const attach = (artifactType: string, mediaTypes: string[]) =>
      attachArtifact(place, image.amd64.descriptor, {
        artifactType,
        files: mediaTypes.map((mediaType, at) => ({ mediaType, bytes: Buffer.concat([bytes, Buffer.from(' '.repeat(at))]) })),
      });
    await attach(EVIDENCE_TYPE, [EVIDENCE_TYPE, EVIDENCE_TYPE]);
    await attach(EVIDENCE_TYPE, ['application/json']);
    await attach('application/vnd.example.sbom', [EVIDENCE_TYPE]);
    const { found, ignored } = await readEvidence(about, pinned, locations());
    expect(found).toEqual([]);
    expect(ignored.map(({ reason }) => /exactly one report/.test(reason))).toEqual([true, true]);
  });

  it('is not attached by a report that would be none', async () => {
    const { pinned } = await open();
    const isolation = { ...report(pinned).isolation, network: 'open' as const };
    await expect(attachEvidence(report(pinned, { isolation }), 'staging', pinned, locations())).rejects.toMatchObject({ code: 'ERR_EGRESS_OPEN' });
    expect((await readEvidence(about, pinned, locations())).found).toEqual([]);
  });
});

describe('evidence in a registry', () => {
  const open = async () => {
    const { name, place } = places.registry();
    await putImage(place, image);
    const pinned = parsePinnedReference(`${name}@${digest}`);
    return { pinned, place };
  };

  it('is not attached from a lane that does not push', async () => {
    const { pinned } = await open();
    for (const lane of ['local', 'main'] as const)
      await expect(attachEvidence(report(pinned), lane, pinned, locations())).rejects.toMatchObject({ code: 'ERR_LANE_FORBIDS' });
  });

  it('has a tag of its own, as what is pinned has', async () => {
    const { pinned } = await open();
    const before = new Set(unnamed(registry));
    await attachEvidence(report(pinned), 'staging', pinned, locations());
    const fresh = unnamed(registry).filter((name) => !before.has(name) && !name.endsWith(indexDigest(registry)));
    const tags = [...registry.manifests.keys()].filter((name) => name.includes(':accepted-'));
    expect(tags).toHaveLength(1);
    expect(fresh.map((name) => parseDigest(name.split('@')[1] as string).slice('sha256:'.length, 'sha256:'.length + 12))).toEqual(
      tags.map((tag) => tag.split(':accepted-')[1]),
    );
  });

  it('has it also where whoever attached it was killed before: the next who says the same gives it', async () => {
    const { name, place } = places.registry();
    await putImage(place, image);
    const pinned = parsePinnedReference(`${name}@${digest}`);
    await attachEvidence(report(pinned), 'staging', pinned, locations());
    const tag = [...registry.manifests.keys()].find((each) => each.includes(':accepted-'))!;
    const manifest = registry.manifests.get(tag);
    registry.manifests.delete(tag);
    expect(await attachEvidence(report(pinned), 'staging', pinned, locations())).toContain('is attached already');
    expect(registry.manifests.get(tag)).toEqual(manifest);
  });

  it('that is claimed of an image by a list, and says otherwise itself, is ignored', async () => {
    const { pinned, place } = await open();
    await putImage(place, other);
    const foreign = parsePinnedReference(`${registry.host}/acme/acme-one@${other.amd64.descriptor.digest}`);
    await attachEvidence(report(foreign, { digest: other.amd64.descriptor.digest }), 'staging', foreign, locations());
    // The list of the one is served as that of the other.
    const tagOf = (subject: string) => `acme/acme-one:${subject.replace(':', '-')}`;
    registry.manifests.set(tagOf(digest), registry.manifests.get(tagOf(other.amd64.descriptor.digest))!);
    const { found, ignored } = await readEvidence(about, pinned, locations());
    expect({ found, reasons: ignored.map(({ reason }) => reason) }).toEqual({ found: [], reasons: ['it refers to another image'] });
  });

  it('that could not be asked for is an error and no answer', async () => {
    const { pinned } = await open();
    registry.faults.push({ when: ({ url }) => !url.includes(`manifests/${digest}`), fault: { kind: 'answer', status: 403 } });
    await expect(readEvidence(about, pinned, locations())).rejects.toMatchObject({ code: 'ERR_REGISTRY_DENIED' });
  });
});

/** The list of referrers, which registries without the referrers API keep under a tag: its bytes, and so its digest, change with every referrer. */
const indexDigest = ({ manifests }: TestRegistry): string => {
  const list = manifests.get(`acme/acme-one:${digest.replace(':', '-')}`)?.bytes;
  return (
    [...manifests].find(([name, { bytes }]) => name.includes('@') && list !== undefined && Buffer.from(bytes).equals(Buffer.from(list)))?.[0].split('@')[1] ??
    'none'
  );
};

describe('evidence that the lane may not attach', () => {
  it('is refused before anything is tested, or asked of the registry', async () => {
    const pin = `${registry.host}/acme/acme-one@${digest}`;
    const text = `ref: acme/one@1\nimage: { platforms: { amd64: '${pin}', arm64: '${pin}' } }\n`;
    await withFiles({ 'processors/acme-one/registry.yaml': text }, async (root) => {
      const context = contextOf(root, { project: 'acme-one', projectRoot: 'processors/acme-one' });
      for (const lane of ['local', 'main'] as const)
        await expect(acceptance({ pinned: true, attach: true, lane }, context)).rejects.toThrow(`ERR_LANE_FORBIDS: lane ${lane} pushes nothing`);
      expect(registry.requests).toEqual([]);
    });
  });
});

describe('acceptance in lane main', () => {
  const FILE = 'processors/acme-one/registry.yaml';
  const inMain = async (more: Parameters<typeof acceptance>[0] = {}) => {
    const pin = `${registry.host}/acme/acme-one@${digest}`;
    const text = `ref: acme/one@1\nimage:\n  platforms:\n    amd64: '${pin}'\n    arm64: null\n`;
    let error: unknown;
    await withFiles({ [FILE]: text }, async (root) => {
      const context = contextOf(root, { project: 'acme-one', projectRoot: 'processors/acme-one', patience: { retry: { attempts: 1 } } });
      error = await acceptance({ lane: 'main', platform: 'linux/amd64', runtime: 'bubblewrap', ...more }, context).catch((thrown: unknown) => thrown);
    });
    return error as { readonly code?: string; readonly exitCode?: number; readonly problems?: readonly { readonly line?: number; readonly message: string }[] };
  };
  const open = async () => {
    const { name, place } = places.registry();
    await putImage(place, image);
    return parsePinnedReference(`${name}@${digest}`);
  };

  it.each<[string, readonly AcceptanceReport['lane'][], RegExp]>([
    ['none', [], /^lane staging's passing acceptance report is not attached to [0-9a-f]{12}$/],
    ['that of lane local', ['local'], /; attached is one of lane local$/],
    ['that of the lanes pr, dev and main', ['pr', 'dev', 'main'], /one of lane (pr|dev|main); one of lane (pr|dev|main)/],
  ])('is refused by a verdict, with file and line of the pin, where the evidence is %s', async (_, lanes, message) => {
    const pinned = await open();
    for (const lane of lanes) await attachEvidence(report(pinned, { lane }), 'staging', pinned, locations());
    expect(await inMain()).toMatchObject({
      code: 'ERR_EVIDENCE_MISSING',
      exitCode: 2,
      problems: [{ file: FILE, line: 4, message: expect.stringMatching(message), fix: expect.stringContaining('PINLANE_LANE=staging') }],
    });
  });

  it('goes on to the test where staging accepted the digest', async () => {
    const pinned = await open();
    await attachEvidence(report(pinned), 'staging', pinned, locations());
    const tested = await inMain();
    expect(tested.code).not.toBe('ERR_EVIDENCE_MISSING');
    expect(registry.requests.some(({ url }) => url.includes(image.amd64.layers[0]!.descriptor.digest))).toBe(true);
  });

  it.each<[string, number, string]>([
    ['is denied', 403, 'ERR_REGISTRY_DENIED'],
    ['is down', 503, 'ERR_REGISTRY_UNAVAILABLE'],
  ])('is an error and no verdict where the registry %s', async (_, status, code) => {
    await open();
    registry.faults.push({ when: ({ url }) => !url.includes(`manifests/${digest}`), fault: { kind: 'answer', status } });
    expect(await inMain()).toMatchObject({ code, exitCode: 1 });
  });

  it('takes no --no-evidence', async () => {
    await open();
    expect(await inMain({ evidence: false })).toMatchObject({ code: 'ERR_LANE_FORBIDS', exitCode: 1 });
    expect(registry.requests.filter(({ method }) => method === 'GET')).toEqual([]);
  });
});
