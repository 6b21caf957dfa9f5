import { execFileSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { parseRepository, pinAuditSchema, type PinAudit } from '@pinlane/contracts';
import { openRepository, openStore } from '@pinlane/oci';
import { putImage, startRegistry, type TestRegistry } from '@pinlane/testing';
import { verb } from '../../src/verbs/verify-pins/verb.ts';
import { contextOf, run, withFiles } from './support/verb-context.ts';
import { joined, labelsOf, makeImage, makePlatform, type ProcessorImage } from './support/images.ts';
import { empty } from './support/registry-state.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());
afterEach(() => empty(registry));

const FILE = 'processors/acme-one/registry.yaml';
const repository = () => `${registry.host}/acme/acme-one`;
const open = () => openRepository(parseRepository(repository()));
const image = makeImage('acme-one');
const claimed = Buffer.from(image.amd64.config.bytes)
  .toString()
  .match(/"dev.pinlane.fingerprint":"(sha256:[0-9a-f]{64})"/)?.[1] as string;

/** What registry.yaml pins; each as a digest, or as a whole reference. */
interface Pins {
  readonly amd64?: string;
  readonly arm64?: string;
  readonly index?: string;
  readonly fingerprint?: string;
  readonly repository?: string;
}

const textOf = (pins: Pins, ref = 'acme/one@1', at = repository()): string => {
  const pin = (name: 'amd64' | 'arm64' | 'index') => (pins[name] === undefined ? 'null' : pins[name].includes('@') ? pins[name] : `${at}@${pins[name]}`);
  return [
    `ref: ${ref}`,
    'image:',
    ...(pins.repository === undefined ? [] : [`  repository: ${pins.repository}`]),
    `  platforms: { amd64: "${pin('amd64')}", arm64: "${pin('arm64')}" }`.replaceAll('"null"', 'null'),
    `  index: ${pin('index')}`,
    `  source: { fingerprint: ${pins.fingerprint ?? 'null'} }`,
    '',
  ].join('\n');
};

const pinsOf = ({ amd64, arm64, index }: ProcessorImage): Pins => ({
  amd64: amd64.descriptor.digest,
  arm64: arm64.descriptor.digest,
  index: index.descriptor.digest,
});

const audit = async (root: string, options: Record<string, unknown> = {}, env: Record<string, string> = {}) => {
  const outcome = await run(verb, options, contextOf(root, { env }));
  return { ...outcome, audit: outcome.document as PinAudit };
};

/** Audits one file; what it says of it in short. */
const findings = async (text: string, options: Record<string, unknown> = {}) => {
  let found = { exitCode: -1, findings: [] as string[], remarks: [] as string[] };
  await withFiles({ [FILE]: text }, async (root) => {
    const { exitCode, audit: document } = await audit(root, options);
    const [entry] = document.entries;
    found = { exitCode, findings: (entry?.findings ?? []).map(({ pin, code }) => `${pin} ${code}`), remarks: [...(entry?.remarks ?? [])] };
  });
  return found;
};

const blobPath = (digest: string) => (request: { method: string; url: string }) => request.url.includes(digest);

describe('an audit of pins', () => {
  it('finds good what is there, whole, and what it is pinned for, and says so in a strict report', async () => {
    await putImage(open(), image);
    registry.requests.length = 0;
    await withFiles({ [FILE]: textOf({ ...pinsOf(image), fingerprint: claimed }) }, async (root) => {
      const { exitCode, lines, audit: document } = await audit(root);
      expect({ exitCode, verdict: document.verdict, pins: document.pins }).toEqual({ exitCode: 0, verdict: 'good', pins: 3 });
      expect(lines).toEqual(['every pin is there and is what it is pinned for: 3 pins of 1 processors (1 good)']);
      expect(pinAuditSchema.parse(JSON.parse(await readFile(join(root, '.pinlane/reports/pin-audit.json'), 'utf8')))).toEqual(document);
      expect(registry.requests.every(({ method }) => method === 'GET' || method === 'HEAD')).toBe(true);
    });
  });

  const other = makeImage('acme-one', 'other');
  const stranger = makeImage('acme-two');
  const both = makePlatform('amd64', labelsOf('acme-one', claimed as never), 'twice');
  const BAD: [string, () => Promise<Pins>, string[]][] = [
    [
      'a platform manifest that is gone',
      async () => {
        registry.manifests.delete(`acme/acme-one@${image.arm64.descriptor.digest}`);
        return pinsOf(image);
      },
      ['index ERR_MANIFEST_UNKNOWN', 'arm64 ERR_MANIFEST_UNKNOWN'],
    ],
    [
      'an index that is gone',
      async () => {
        registry.manifests.delete(`acme/acme-one@${image.index.descriptor.digest}`);
        return pinsOf(image);
      },
      ['index ERR_MANIFEST_UNKNOWN'],
    ],
    [
      'a layer that is gone',
      async () => {
        registry.blobs.delete(image.amd64.layers[0]!.descriptor.digest);
        return pinsOf(image);
      },
      ['index ERR_BLOB_UNKNOWN', 'amd64 ERR_BLOB_UNKNOWN', 'arm64 ERR_BLOB_UNKNOWN'],
    ],
    [
      'a manifest whose bytes were altered',
      async () => {
        const name = `acme/acme-one@${image.amd64.descriptor.digest}`;
        registry.manifests.set(name, { ...registry.manifests.get(name)!, bytes: Buffer.concat([image.amd64.bytes, Buffer.from(' ')]) });
        return pinsOf(image);
      },
      ['index ERR_DIGEST_MISMATCH', 'amd64 ERR_DIGEST_MISMATCH'],
    ],
    [
      'a config whose bytes were altered',
      async () => {
        registry.blobs.set(image.amd64.config.descriptor.digest, Buffer.from(Buffer.from(image.amd64.config.bytes).toString().replace('linux', 'LINUX')));
        return pinsOf(image);
      },
      ['index ERR_DIGEST_MISMATCH', 'amd64 ERR_DIGEST_MISMATCH'],
    ],
    [
      'platforms that were taken for each other',
      async () => ({ ...pinsOf(image), amd64: image.arm64.descriptor.digest, arm64: image.amd64.descriptor.digest }),
      ['amd64 ERR_PIN_UNVERIFIED', 'arm64 ERR_PIN_UNVERIFIED', 'amd64 ERR_PIN_UNVERIFIED', 'arm64 ERR_PIN_UNVERIFIED'],
    ],
    [
      'a platform that is pinned in a repository where it is not',
      async () => ({ ...pinsOf(image), amd64: `${registry.host}/acme/elsewhere@${image.amd64.descriptor.digest}` }),
      ['amd64 ERR_MANIFEST_UNKNOWN'],
    ],
    ['an index where a platform is pinned', async () => ({ amd64: image.index.descriptor.digest }), ['amd64 ERR_PIN_UNVERIFIED']],
    ['a platform where the index is pinned', async () => ({ index: image.amd64.descriptor.digest }), ['index ERR_PIN_UNVERIFIED']],
    [
      'an index that lists another manifest than the one that is pinned',
      async () => {
        await putImage(open(), other);
        return { ...pinsOf(image), index: other.index.descriptor.digest };
      },
      ['amd64 ERR_PIN_UNVERIFIED', 'arm64 ERR_PIN_UNVERIFIED'],
    ],
    [
      'an image of another processor',
      async () => {
        await putImage(open(), stranger);
        return pinsOf(stranger);
      },
      ['amd64 ERR_PIN_UNVERIFIED', 'arm64 ERR_PIN_UNVERIFIED'],
    ],
    ['a fingerprint that was edited', async () => ({ ...pinsOf(image), fingerprint: `sha256:${'0'.repeat(64)}` }), ['index ERR_PIN_UNVERIFIED']],
    [
      'a manifest for amd64 that the index lists for arm64',
      async () => {
        const another = makePlatform('amd64', labelsOf('acme-one', claimed as never), 'thrice');
        const lying = joined(both, { ...another, descriptor: { ...another.descriptor, platform: { architecture: 'arm64', os: 'linux' } } });
        await putImage(open(), lying);
        return pinsOf(lying);
      },
      ['index ERR_MANIFEST_INVALID', 'arm64 ERR_PIN_UNVERIFIED'],
    ],
  ];
  it.each(BAD)('finds bad, with exit code 2: %s', async (_, spoil, expected) => {
    await putImage(open(), image);
    const found = await findings(textOf(await spoil()));
    expect({ exitCode: found.exitCode, findings: [...found.findings].sort() }).toEqual({ exitCode: 2, findings: [...expected].sort() });
  });

  it('finds a pin of the local store bad in lanes that need a published image, and looks at it in lane local', async () => {
    const named = Object.fromEntries(Object.entries(pinsOf(image)).map(([name, digest]) => [name, `store.localhost/acme-one@${digest}`]));
    await withFiles({ [FILE]: textOf(named) }, async (root) => {
      await putImage(openStore(join(root, '.pinlane/store')), image);
      expect((await audit(root)).exitCode).toBe(0);
      for (const lane of ['pr', 'dev', 'staging', 'main']) expect((await audit(root, { lane })).exitCode).toBe(2);
      const layer = openStore(join(root, '.pinlane/store')).blobPath(image.arm64.layers[0]!.descriptor.digest);
      await chmod(layer, 0o644);
      await writeFile(layer, Buffer.from(image.arm64.layers[0]!.bytes).reverse());
      const { exitCode, audit: document } = await audit(root);
      expect({ exitCode, codes: document.entries[0]?.findings.map(({ code }) => code) }).toEqual({
        exitCode: 2,
        codes: expect.arrayContaining(['ERR_STORE_CORRUPT']),
      });
    });
  });

  it.each([
    ['the registry is down', { kind: 'answer', status: 503 }],
    ['it wants credentials', { kind: 'answer', status: 401, headers: { 'www-authenticate': 'Basic realm="test"' } }],
    ['it denies access', { kind: 'answer', status: 403 }],
  ] as const)('says that it could not tell, with exit code 1, where %s', async (_, fault) => {
    await putImage(open(), image);
    registry.faults.push({ when: blobPath(image.amd64.descriptor.digest), fault });
    const found = await findings(textOf(pinsOf(image)));
    expect(found.exitCode).toBe(1);
    expect(found.findings.length).toBeGreaterThan(0);
  });

  it('goes on past a file that it can not read, and says of the whole that it could not tell', async () => {
    await putImage(open(), image);
    await withFiles(
      { [FILE]: textOf(pinsOf(image)), 'processors/acme-two/registry.yaml': 'ref: [', 'processors/new/registry.yaml': 'ref: acme/new@1\n' },
      async (root) => {
        const { exitCode, audit: document, lines } = await audit(root);
        expect({ exitCode, outcomes: document.entries.map(({ outcome }) => outcome) }).toEqual({ exitCode: 1, outcomes: ['good', 'unknown', 'unpinned'] });
        expect(lines.join('\n')).toContain('ERR_REGISTRY_SYNTAX');
      },
    );
  });

  it('goes on past a link that leads nowhere, which may hide pins, and takes a folder of that name for none', async () => {
    await putImage(open(), image);
    await withFiles({ [FILE]: textOf(pinsOf(image)), 'docs/registry.yaml/index.md': '# registry.yaml' }, async (root) => {
      expect((await audit(root)).audit.entries.map(({ file }) => file)).toEqual([FILE]);
      await symlink('nowhere', join(root, 'docs/registry.yaml/registry.yaml'));
      const { exitCode, audit: document } = await audit(root);
      const found = document.entries.map(({ file, outcome, findings }) => [file, outcome, ...findings.map(({ code }) => code)]);
      expect({ exitCode, found }).toEqual({
        exitCode: 1,
        found: [
          ['docs/registry.yaml/registry.yaml', 'unknown', 'ERR_REGISTRY_SYNTAX'],
          [FILE, 'good'],
        ],
      });
    });
  });

  it('remarks that pins name another repository than image.repository, and finds no fault in it', async () => {
    await putImage(open(), image);
    const found = await findings(textOf({ ...pinsOf(image), repository: 'ghcr.io/acme/acme-one' }));
    expect(found).toEqual({ exitCode: 0, findings: [], remarks: [`the pins name ${repository()}, and image.repository is ghcr.io/acme/acme-one`] });
  });

  it('speaks plain HTTP to another machine only where that is named', async () => {
    await putImage(open(), image);
    const [address] = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal);
    if (address === undefined) return;
    const host = `${address.address}:${registry.host.split(':')[1]}`;
    await withFiles({ [FILE]: textOf(pinsOf(image), 'acme/one@1', `${host}/acme/acme-one`) }, async (root) => {
      expect((await audit(root)).exitCode).toBe(1);
      expect((await audit(root, { insecureRegistry: ['other.example', host] })).exitCode).toBe(0);
      expect((await audit(root, {}, { PINLANE_INSECURE_REGISTRY: host })).exitCode).toBe(0);
    });
  }, 60_000);

  it('does not wait for every pin of a registry that is gone', async () => {
    // Nothing listens on this port of ours any more.
    const gone = await startRegistry();
    await gone.close();
    const names = Array.from({ length: 40 }, (_, at) => `p${at}`);
    const files = Object.fromEntries(
      names.map((name) => [`processors/${name}/registry.yaml`, textOf(pinsOf(image), `acme/${name}@1`, `${gone.host}/acme/acme-${name}`)]),
    );
    await withFiles(files, async (root) => {
      const { exitCode, audit: document } = await audit(root);
      const findings = document.entries.flatMap((entry) => entry.findings);
      expect({ exitCode, outcomes: new Set(document.entries.map(({ outcome }) => outcome)), codes: new Set(findings.map(({ code }) => code)) }).toEqual({
        exitCode: 1,
        outcomes: new Set(['unknown']),
        codes: new Set(['ERR_REGISTRY_UNAVAILABLE']),
      });
      expect(findings.filter(({ message }) => message.includes('was not asked for')).length).toBeGreaterThan(80);
    });
  }, 40_000);

  it('looks at a thousand pins, a few processors at a time', async () => {
    const files: Record<string, string> = {};
    for (let at = 0; at < 334; at += 1) {
      const [path, parts] = [`acme/acme-p${at}`, makeImage(`acme-p${at}`)];
      files[`processors/p${at}/registry.yaml`] = textOf(pinsOf(parts), `acme/p${at}@1`, `${registry.host}/${path}`);
      for (const { descriptor, bytes } of [...parts.platforms, parts.index])
        registry.manifests.set(`${path}@${descriptor.digest}`, { mediaType: descriptor.mediaType, bytes });
      for (const { descriptor, bytes } of parts.blobs) registry.blobs.set(descriptor.digest, bytes);
    }
    let [underWay, most] = [0, 0];
    const begun = (): void => void (most = Math.max(most, (underWay += 1)));
    const answered = (): void => void (underWay -= 1);
    subscribe('http.client.request.start', begun);
    subscribe('http.client.response.finish', answered);
    try {
      await withFiles(files, async (root) => {
        const { exitCode, audit: document } = await audit(root, { concurrency: 4 });
        expect({ exitCode, pins: document.pins }).toEqual({ exitCode: 0, pins: 1002 });
        // An index leads to two platforms, which are read side by side.
        expect(most).toBeGreaterThan(1);
        expect(most).toBeLessThanOrEqual(8);
      });
    } finally {
      unsubscribe('http.client.request.start', begun);
      unsubscribe('http.client.response.finish', answered);
    }
  }, 60_000);
});

describe('What is wrong with one processor', () => {
  it('is said of that one, whatever it is, and all others are looked at', async () => {
    const store = `store.localhost/acme-gone@sha256:${'c'.repeat(64)}`;
    const broken: Record<string, string> = {
      'bad-port': textOf({ index: `localhost:99999/x@sha256:${'a'.repeat(64)}` }, 'bad/port@1'),
      'bad-address': textOf({ index: `256.1.1.1:5000/x@sha256:${'a'.repeat(64)}` }, 'bad/address@1'),
      'bad-ipv6': textOf({ index: `'[:::::]:1/x@sha256:${'a'.repeat(64)}'` }, 'bad/ipv-six@1'),
      'bad-name': textOf({ repository: '1.2.3/x' }, 'bad/name@1'),
      'bad-yaml': 'ref: [\n',
      'bad-bytes': '\0\0\0',
      'bad-blob': textOf({ index: store }, 'bad/blob@1'),
    };
    await putImage(open(), image);
    const files = Object.fromEntries(Object.entries(broken).map(([name, text]) => [`processors/${name}/registry.yaml`, text]));
    await withFiles({ [FILE]: textOf({ ...pinsOf(image), fingerprint: claimed }), ...files }, async (root) => {
      for (const name of ['bad-pipe', 'bad-device', 'bad-loop']) await mkdir(join(root, 'processors', name), { recursive: true });
      execFileSync('mkfifo', [join(root, 'processors/bad-pipe/registry.yaml')]);
      await symlink('/dev/zero', join(root, 'processors/bad-device/registry.yaml'));
      await symlink('registry.yaml', join(root, 'processors/bad-loop/registry.yaml'));
      // Where the store keeps a manifest lies a folder.
      await mkdir(join(root, '.pinlane/store/blobs/sha256', 'c'.repeat(64)), { recursive: true });
      const { audit: document, exitCode } = await audit(root, { lane: 'local' });
      expect(exitCode).toBe(1);
      const outcomes = Object.fromEntries(document.entries.map(({ file, outcome }) => [file.split('/')[1], outcome]));
      const { 'acme-one': good, 'bad-blob': blob, ...others } = outcomes;
      expect([good, blob]).toEqual(['good', expect.stringMatching(/^(?:unknown|bad)$/)]);
      expect(Object.keys(others)).toHaveLength(9);
      expect(new Set(Object.values(others))).toEqual(new Set(['unknown']));
      for (const { findings } of document.entries) for (const { code } of findings) expect(code).not.toBe('ERR_INTERNAL');
    });
  }, 60_000);
});
