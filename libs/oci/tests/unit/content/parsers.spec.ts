import { describe as suite, expect, it } from '@jest/globals';
import { codeOf, errorOf, jsonBytes } from '@pinlane/testing';
import {
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  MANIFEST_LIMIT,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  parseConfig,
  parseDocument,
  parseIndex,
  parseLayoutIndex,
  parseManifest,
} from '../../../src/index.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const config = { mediaType: OCI_CONFIG, digest, size: 7 };
const layer = { mediaType: OCI_LAYER_GZIP, digest, size: 9 };
const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] };
const entry = { mediaType: OCI_MANIFEST, digest, size: 3, platform: { os: 'linux', architecture: 'amd64' } };
const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] };
const imageConfig = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digest] } };

suite('A manifest', () => {
  it('is read with what it names, and unknown keys are ignored as the specification asks', () => {
    expect(parseManifest(jsonBytes({ ...manifest, future: 1 }))).toEqual(manifest);
  });

  it('may leave its media type out, which then is that of OCI', () => {
    const { mediaType: _, ...rest } = manifest;
    expect(parseManifest(jsonBytes(rest)).mediaType).toBe(OCI_MANIFEST);
    expect(parseDocument(jsonBytes(rest)).descriptor.mediaType).toBe(OCI_MANIFEST);
  });

  it('is parsed once, however often the same bytes come, and other bytes are parsed for themselves', () => {
    const parsed = parseDocument(jsonBytes(manifest));
    expect(parseDocument(jsonBytes(manifest))).toBe(parsed);
    const others = [{ ...layer, digest: `sha256:${'b'.repeat(64)}` }];
    const other = parseDocument(jsonBytes({ ...manifest, layers: others }));
    expect([other.descriptor.size, other]).toEqual([parsed.descriptor.size, expect.objectContaining({ manifest: { ...manifest, layers: others } })]);
    expect(other.descriptor.digest).not.toBe(parsed.descriptor.digest);
  });

  it('that is wrong is refused each time', async () => {
    const wrong = jsonBytes({ ...manifest, layers: 'none' });
    for (let time = 0; time < 2; time++) expect(await codeOf(() => parseDocument(wrong))).toBe('ERR_MANIFEST_INVALID');
  });

  it('of Docker is one too', () => {
    expect(parseDocument(jsonBytes({ ...manifest, mediaType: DOCKER_MANIFEST })).descriptor.mediaType).toBe(DOCKER_MANIFEST);
    expect(parseDocument(jsonBytes({ ...index, mediaType: DOCKER_INDEX })).kind).toBe('index');
  });

  const hostile: Record<string, unknown> = {
    'of an unknown media type': { ...manifest, mediaType: 'application/json' },
    'of schema 1': { ...manifest, schemaVersion: 1 },
    'without a config': { ...manifest, config: undefined },
    'whose layers are no list': { ...manifest, layers: { 0: layer } },
    'with a negative size': { ...manifest, layers: [{ ...layer, size: -1 }] },
    'with a fraction of a byte': { ...manifest, layers: [{ ...layer, size: 1.5 }] },
    'with a size beyond what a number holds': { ...manifest, layers: [{ ...layer, size: 2 ** 60 }] },
    'with a size as text': { ...manifest, layers: [{ ...layer, size: '9' }] },
    'with a digest in upper case': { ...manifest, layers: [{ ...layer, digest: digest.toUpperCase() }] },
    'with a digest that is too short': { ...manifest, config: { ...config, digest: 'sha256:ab' } },
    'with a digest of another algorithm': { ...manifest, config: { ...config, digest: `sha512:${'a'.repeat(128)}` } },
    'with a media type that is none': { ...manifest, layers: [{ ...layer, mediaType: 'tar\r\nX: y' }] },
    'with annotations that are not text': { ...manifest, annotations: { a: 1 } },
    'that is also an index': { ...manifest, manifests: [] },
    'with more layers than any image has': { ...manifest, layers: Array.from({ length: 1001 }, () => layer) },
    'that is a list': [manifest],
    'that is null': null,
    'that is a text': 'manifest',
  };
  it.each(Object.entries(hostile))('%s is refused by name', async (_, value) => {
    expect(await codeOf(() => parseManifest(jsonBytes(value)))).toBe('ERR_MANIFEST_INVALID');
  });

  it('that is not JSON, not UTF-8 or too large is refused by name', async () => {
    expect(await codeOf(() => parseManifest(Buffer.from('{"schemaVersion":2')))).toBe('ERR_MANIFEST_INVALID');
    expect(await codeOf(() => parseManifest(Buffer.from([0x22, 0xff, 0x22])))).toBe('ERR_MANIFEST_INVALID');
    expect(await codeOf(() => parseManifest(Buffer.alloc(MANIFEST_LIMIT + 1, ' ')))).toBe('ERR_MANIFEST_INVALID');
    expect(await codeOf(() => parseManifest(Buffer.alloc(MANIFEST_LIMIT, '[')))).toBe('ERR_MANIFEST_INVALID');
  });

  it('has all its problems told at once, each with its place', async () => {
    const { problems } = await errorOf(() => parseManifest(jsonBytes({ ...manifest, config: { ...config, size: -1 }, layers: [{ ...layer, digest: 'x' }] })));
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('config.size'), expect.stringContaining('layers.0.digest')]);
  });
});

suite('An index', () => {
  it('is read with its platforms', () => {
    expect(parseIndex(jsonBytes(index)).manifests).toEqual([entry]);
  });

  it('may hold another index only where that is allowed', async () => {
    const nested = jsonBytes({ ...index, manifests: [{ ...entry, mediaType: OCI_INDEX }] });
    expect((await errorOf(() => parseIndex(nested))).message).toMatch('an index in an index is not allowed here');
    expect(parseLayoutIndex(nested).manifests).toHaveLength(1);
  });

  const hostile: Record<string, unknown> = {
    'that lists what is no manifest': { ...index, manifests: [{ ...entry, mediaType: OCI_LAYER_GZIP }] },
    'whose platform has no architecture': { ...index, manifests: [{ ...entry, platform: { os: 'linux' } }] },
    'that is also a manifest': { ...index, config, layers: [layer] },
    'with more entries than any image has': { ...index, manifests: Array.from({ length: 1001 }, () => entry) },
  };
  it.each(Object.entries(hostile))('%s is refused by name', async (_, value) => {
    expect(await codeOf(() => parseIndex(jsonBytes(value)))).toBe('ERR_MANIFEST_INVALID');
  });

  it('that calls itself a manifest is not taken for one', async () => {
    expect(await codeOf(() => parseDocument(jsonBytes({ ...index, mediaType: OCI_MANIFEST })))).toBe('ERR_MANIFEST_INVALID');
  });
});

suite('A config', () => {
  it('keeps keys that are not known, so that an image made from it loses nothing', () => {
    const parsed = parseConfig(jsonBytes({ ...imageConfig, 'os.version': '1', config: { Env: ['A=b'], ArgsEscaped: true } }));
    expect(parsed).toMatchObject({ 'os.version': '1', config: { Env: ['A=b'], ArgsEscaped: true } });
  });

  it('may have null where Docker writes it', () => {
    const parsed = parseConfig(jsonBytes({ ...imageConfig, config: { Cmd: null, Labels: null, Volumes: null, ExposedPorts: null }, history: null }));
    expect(parsed.config?.Cmd).toBeUndefined();
    expect(parsed.history).toBeUndefined();
  });

  const hostile: Record<string, unknown> = {
    'without an architecture': { ...imageConfig, architecture: '' },
    'whose environment is no list': { ...imageConfig, config: { Env: 'A=b' } },
    'whose file system is made of something else': { ...imageConfig, rootfs: { type: 'snapshot', diff_ids: [] } },
    'with a diff id that is no digest': { ...imageConfig, rootfs: { type: 'layers', diff_ids: ['x'] } },
  };
  it.each(Object.entries(hostile))('%s is refused by name', async (_, value) => {
    expect(await codeOf(() => parseConfig(jsonBytes(value)))).toBe('ERR_MANIFEST_INVALID');
  });
});
