import { describe, expect, it } from '@jest/globals';
import { processorSpecSchema } from '@pinlane/contracts';
import { parseSpec } from '../../src/index.ts';
import { portOf, serverOptions, specPath } from '../../src/serve.ts';
import { SPEC } from '../harness.ts';

describe('the spec that a processor reads', () => {
  it('has the defaults of registry.yaml where a key is absent', () => {
    expect(parseSpec('ref: acme/echo@1')).toEqual({
      ref: 'acme/echo@1',
      port: 8000,
      cpu: 1,
      memoryGb: 2,
      gpu: null,
      timeoutMs: 600_000,
      concurrency: 8,
      secrets: { required: [], optional: [] },
      inputs: {},
      outputs: [],
    });
  });

  it('has the very defaults that the schema of registry.yaml fills in', () => {
    const { build, runtime } = processorSpecSchema.parse({ ref: 'acme/echo@1' });
    const { port, cpu, memoryGb, gpu, timeoutMs } = parseSpec('ref: acme/echo@1');
    expect({ port, cpu, memory_gb: memoryGb, gpu, timeout_s: timeoutMs / 1000 }).toEqual({ port: build.port, ...runtime });
  });

  it('is read from YAML and from the canonical JSON of an image alike', () => {
    const yaml =
      'ref: acme/echo@1\nbuild: { port: 81 }\nruntime: { timeout_s: 1.5, gpu: T4 }\nsecrets: { required: [B, A] }\noutputs: [{ path: a, mime: text/plain }]';
    const json = JSON.stringify({
      ref: 'acme/echo@1',
      build: { port: 81 },
      runtime: { timeout_s: 1.5, gpu: 'T4' },
      secrets: { required: ['B', 'A'] },
      outputs: [{ path: 'a', mime: 'text/plain' }],
    });
    expect(parseSpec(yaml)).toEqual(parseSpec(json));
    expect(parseSpec(yaml)).toMatchObject({ port: 81, timeoutMs: 1500, gpu: 'T4', secrets: { required: ['A', 'B'] } });
  });

  it.each([
    ['[]', 'it is not a mapping'],
    ['{}', 'ref is missing'],
    ['ref: a/b@1\nruntime: { timeout_s: soon }', 'timeout_s is not a positive number'],
    ['ref: a/b@1\nsecrets: { required: A }', 'secrets.required is not a list of names'],
    ['ref: a/b@1\noutputs: [{ path: a }]', 'outputs is not a list of paths'],
    ['ref: a/b@1\nbuild: 8000', 'build is not a mapping'],
  ])('is refused when it is %j', (text, message) => {
    expect(() => parseSpec(text)).toThrow(message);
  });
});

describe('the environment of a processor', () => {
  it.each(['', 'latest', 'sha256:abc', `sha256:${'A'.repeat(64)}`, `x@sha256:${'a'.repeat(64)}`])('has no digest when IMAGE_DIGEST is %j', (digest) => {
    expect(serverOptions({ IMAGE_DIGEST: digest }, SPEC, () => {}).imageDigest).toBeNull();
  });

  it('says where artifacts go, what the environment is called and which port to take', () => {
    expect(serverOptions({}, SPEC, () => {})).toMatchObject({ artifactsRoot: '/artifacts', environment: 'local' });
    expect(portOf({}, SPEC)).toBe(8000);
    expect(portOf({ PORT: '81' }, SPEC)).toBe(81);
    for (const port of ['x', '-1', '65536', '1e3']) expect(() => portOf({ PORT: port }, SPEC)).toThrow('PORT is not a port');
  });

  it('says where the spec is, or leaves it where an image has it', () => {
    expect(specPath({ PINLANE_SPEC: '/x/registry.yaml' }, '/app/main.js')).toBe('/x/registry.yaml');
    expect(specPath({}, '/nowhere/main.js')).toBe('/app/registry.yaml');
  });
});
