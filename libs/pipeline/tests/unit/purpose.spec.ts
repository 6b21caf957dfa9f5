import { describe, expect, it } from '@jest/globals';
import { processorSpecSchema, SPEC_PURPOSES, type FieldPurpose } from '@pinlane/contracts';
import * as z from 'zod';
import { deploymentOf, fingerprintOf, imageProjection, ofImage, parseSpec, projectionText } from '../../src/index.ts';

const specOf = (text: string) => parseSpec(text, { file: 'r.yaml' }).spec;
const fingerprint = (text: string) =>
  fingerprintOf({
    assembler: '1',
    entries: [],
    dockerfile: 'FROM scratch\n',
    buildArgs: {},
    target: null,
    projection: imageProjection(specOf(text)),
    bases: {},
  });

const BARE = 'ref: acme/echo@1\n';
const FULL = `ref: llm/litellm@2
build: { context: ., dockerfile: Dockerfile, port: 9000, args: { A: "1" }, target: run }
image:
  platforms: {}
runtime: { cpu: 2, memory_gb: 4, gpu: T4, timeout_s: 60, concurrency: 3 }
secrets: { required: [ACME_KEY], optional: [ACME_BASE] }
`;
const INPUTS = `ref: media/thumbnail@1
inputs: { type: object, properties: { width: { type: integer, minimum: 1 } }, required: [width] }
outputs: [{ path: image/*.png, mime: image/png, description: A picture. }]
`;

describe('the fingerprint of a spec', () => {
  // Whoever changes one of these rebuilds every image of every user: fields that are added must leave them alone.
  it.each([
    ['with nothing but a ref', BARE, 'sha256:a654637b6f2caeec0edc63c7c0f9bea9bab0c80f4af21363830324536a860ab8'],
    ['with every field of the image', FULL, 'sha256:ee003ac5bc7d6ce1aacd23520b64abbca27e5b5cedd872653b55c99a026fd38c'],
    ['with inputs and outputs', INPUTS, 'sha256:91e60b500ca1aea3e4071ce6017797291dbe997816449bae4eb7e53d79ed40ec'],
  ])('is what it always was, of a spec %s: a field that is new needs its default in spec-purpose.ts', (_, text, expected) => {
    expect(fingerprint(text)).toBe(expected);
  });

  it.each([
    'deploy: { min_containers: 1 }',
    'deploy: { max_containers: 9, scaledown_s: 60 }',
    'deploy: { region: eu-west }',
    'deploy: { proxy_auth: false }',
    'deploy: { resources: { cpu: 8, memory_gb: 64, gpu: H100 } }',
    'image: { repository: ghcr.io/acme/echo }',
  ])('is not moved by %s, nor is what the image or the cache key sees', (edit) => {
    for (const text of [BARE, INPUTS]) {
      const edited = `${text}${edit}\n`;
      expect(fingerprint(edited)).toBe(fingerprint(text));
      expect(projectionText(specOf(edited))).toBe(projectionText(specOf(text)));
    }
    expect(ofImage({ ref: 'acme/echo@1', deploy: { region: 'eu' }, image: { index: 'x' } })).toEqual({ ref: 'acme/echo@1' });
  });

  it.each([
    'build: { port: 81 }',
    'runtime: { memory_gb: 3 }',
    'runtime: { concurrency: 2 }',
    'secrets: { optional: [B] }',
    'outputs: []\ninputs: { type: object }',
  ])('is moved by %s', (edit) => {
    expect(fingerprint(`${BARE}${edit}\n`)).not.toBe(fingerprint(BARE));
  });
});

describe('a field that comes later', () => {
  const later: Record<string, FieldPurpose> = { ...SPEC_PURPOSES, 'runtime.tmp_gb': { of: 'image', default: 1 } };
  const seen = (runtime: object) => ofImage({ ref: 'acme/echo@1', runtime }, later);

  it('is no part of the image while it has its default, and is one otherwise', () => {
    expect(seen({ cpu: 1, tmp_gb: 1 })).toEqual(seen({ cpu: 1 }));
    expect(seen({ cpu: 1, tmp_gb: 2 })).toEqual({ ref: 'acme/echo@1', runtime: { cpu: 1, tmp_gb: 2 } });
  });

  it('that nobody knows counts, so that a misspelt one is not served from a cache', () => {
    expect(ofImage({ ref: 'acme/echo@1', depoly: {}, runtime: { memry: 1 } })).toEqual({ ref: 'acme/echo@1', depoly: {}, runtime: { memry: 1 } });
  });
});

describe('the purposes of the spec', () => {
  it('are there for every field of the schema, and for nothing else', () => {
    const divided = new Set(Object.keys(SPEC_PURPOSES).flatMap((path) => (path.includes('.') ? [path.split('.')[0]!] : [])));
    const shapeOf = (schema: unknown): object => {
      const { def, shape } = schema as { readonly shape?: object; readonly def: { readonly innerType?: unknown } };
      return shape ?? shapeOf(def.innerType);
    };
    const paths = Object.entries(processorSpecSchema.shape).flatMap(([section, schema]) =>
      divided.has(section) ? Object.keys(shapeOf(schema)).map((field) => `${section}.${field}`) : [section],
    );
    expect(Object.keys(SPEC_PURPOSES).sort()).toEqual(paths.sort());
  });
});

describe('the reference of registry.yaml', () => {
  interface Json {
    readonly description?: string;
    readonly properties?: Readonly<Record<string, Json>>;
    readonly items?: Json;
    readonly anyOf?: readonly Json[];
  }
  const undescribed = ({ properties = {}, items, anyOf = [] }: Json, path = ''): string[] => [
    ...Object.entries(properties).flatMap(([name, field]) => [
      ...((field.description ?? '').length < 5 ? [`${path}${name}`] : []),
      ...undescribed(field, `${path}${name}.`),
    ]),
    ...[...anyOf, ...(items ? [items] : [])].flatMap((each) => undescribed(each, path)),
  ];

  it('describes every field', () => {
    expect(undescribed(z.toJSONSchema(processorSpecSchema, { target: 'draft-7', io: 'input' }) as Json)).toEqual([]);
  });
});

describe('the deployment of a spec', () => {
  it('has defaults, and what the processor was tested with', () => {
    expect(deploymentOf(specOf(FULL))).toEqual({
      port: 9000,
      scaling: { min: 0, max: 4, idleSeconds: 300 },
      region: null,
      proxyAuth: true,
      resources: { cpu: 2, memoryGb: 4, gpu: 'T4' },
      timeoutSeconds: 60,
      concurrency: 3,
      secrets: { required: ['ACME_KEY'], optional: ['ACME_BASE'] },
    });
  });

  it('may have other resources than the processor was tested with, none of a kind among them', () => {
    expect(deploymentOf(specOf(`${FULL}deploy: { region: eu-west, resources: { cpu: 8, gpu: null } }\n`))).toMatchObject({
      region: 'eu-west',
      resources: { cpu: 8, memoryGb: 4, gpu: null },
    });
  });

  it('hands on every setting of deploy', () => {
    const samples: Record<string, unknown> = {
      min_containers: 1,
      max_containers: 9,
      scaledown_s: 60,
      region: 'eu-west',
      proxy_auth: false,
      resources: { cpu: 8 },
    };
    const { deploy } = specOf(BARE);
    expect(Object.keys(samples).sort()).toEqual(Object.keys(deploy).sort());
    const plain = JSON.stringify(deploymentOf(specOf(BARE)));
    for (const [name, value] of Object.entries(samples))
      expect([name, JSON.stringify(deploymentOf(specOf(`${BARE}deploy: ${JSON.stringify({ [name]: value })}\n`))) === plain]).toEqual([name, false]);
  });

  it.each([
    ['deploy: { min_containers: 5 }', /min_containers, 5, is more than max_containers, 4/],
    ['deploy: { scale: 5 }', /deploy\.scale is not a known key/],
    ['deploy: { proxy_auth: "no" }', /deploy\.proxy_auth/],
    ['deploy: { resources: { cpu: 0 } }', /deploy\.resources\.cpu/],
  ])('is refused as %s', (edit, message) => {
    expect(() => specOf(`${BARE}${edit}\n`)).toThrow(message);
  });
});
