import { describe as suite, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PinlaneError } from '@pinlane/contracts';
import { jsonBytes, runs } from '@pinlane/testing';
import {
  composeIndex,
  OCI_CONFIG,
  OCI_LAYER,
  OCI_MANIFEST,
  parseConfig,
  parseDocument,
  parseIndex,
  parseLayoutIndex,
  parseManifest,
  sha256,
  type Descriptor,
} from '../../src/index.ts';
import { parseChallenges } from '../../src/registry/auth/challenge.ts';
import { parseErrorBody } from '../../src/registry/http/failure.ts';
import { parseDockerConfig } from '../../src/registry/auth/docker-config.ts';

const parsers = { parseManifest, parseIndex, parseLayoutIndex, parseConfig, parseDocument };

const throwsOnlyPinlaneErrors = (parse: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean => {
  try {
    parse(bytes);
    return true;
  } catch (error) {
    return error instanceof PinlaneError && error.code === 'ERR_MANIFEST_INVALID';
  }
};

const digest = fc.string().map((text) => sha256(text));
const descriptor = (mediaType: string) => fc.record({ mediaType: fc.constant(mediaType), digest, size: fc.nat() });
const manifest = fc.record({
  schemaVersion: fc.constant(2),
  mediaType: fc.constant(OCI_MANIFEST),
  config: descriptor(OCI_CONFIG),
  layers: fc.array(descriptor(OCI_LAYER), { maxLength: 5 }),
});

/** A right document in which one value anywhere is another one. */
const spoilt = fc.tuple(manifest, fc.jsonValue(), fc.nat()).map(([value, other, position]) => {
  const text = JSON.stringify(value);
  const places = [...text.matchAll(/"[^"]*"(?!:)|\d+/g)];
  const { 0: match, index = 0 } = places[position % places.length]!;
  return Buffer.from(text.slice(0, index) + JSON.stringify(other) + text.slice(index + match.length));
});

suite('The parsers of what registries send', () => {
  it.each(Object.entries(parsers))('%s throws nothing but ERR_MANIFEST_INVALID on any bytes', (_, parse) => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => throwsOnlyPinlaneErrors(parse, bytes)));
  });

  it.each(Object.entries(parsers))('%s throws nothing but ERR_MANIFEST_INVALID on any JSON', (_, parse) => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.object().map((value) => JSON.stringify(value)),
        ),
        (text) => throwsOnlyPinlaneErrors(parse, Buffer.from(text)),
      ),
    );
  });

  it.each(Object.entries(parsers))('%s throws nothing but ERR_MANIFEST_INVALID on a manifest with one value spoilt', (_, parse) => {
    fc.assert(
      fc.property(spoilt, (bytes) => throwsOnlyPinlaneErrors(parse, bytes)),
      { numRuns: runs(500) },
    );
  });

  it('give back every right manifest as it was', () => {
    fc.assert(
      fc.property(manifest, (value) => {
        const bytes = jsonBytes(value);
        expect(parseManifest(bytes)).toEqual(value);
        expect(parseDocument(bytes).descriptor).toEqual({ mediaType: OCI_MANIFEST, digest: sha256(bytes), size: bytes.length });
      }),
    );
  });

  it('read back every composed index, whose bytes do not hang on the order of its parts', () => {
    const child = (architecture: string) => descriptor(OCI_MANIFEST).map((d): Descriptor => ({ ...d, platform: { os: 'linux', architecture } }) as Descriptor);
    fc.assert(
      fc.property(child('amd64'), child('arm64'), (amd64, arm64) => {
        const { bytes } = composeIndex([arm64, amd64]);
        expect(parseIndex(bytes).manifests).toEqual([amd64, arm64]);
        expect(composeIndex([amd64, arm64]).bytes).toEqual(bytes);
      }),
    );
  });
});

suite('The parsers of headers, error bodies and the Docker configuration', () => {
  it('never throw on a challenge, and read back what was written', () => {
    fc.assert(fc.property(fc.string(), (header) => void parseChallenges(header)));
    const value = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), value), (parameters) => {
        const header = `Bearer ${Object.entries(parameters)
          .map(([name, text]) => `${name}="${text.replace(/(["\\])/g, '\\$1')}"`)
          .join(', ')}`;
        expect(parseChallenges(`Basic realm=x, ${header}`)).toEqual([
          { scheme: 'basic', parameters: { realm: 'x' } },
          { scheme: 'bearer', parameters },
        ]);
      }),
    );
  });

  it('make one short line without control characters of any error body', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (body) => {
        const { text } = parseErrorBody(body);

        expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
        expect(text.length).toBeLessThanOrEqual(300);
      }),
    );
  });

  it('never quote the Docker configuration', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8 }), (secret) => {
        try {
          parseDockerConfig(`{"auths": {"x": {"auth": 1, "password": ${JSON.stringify(secret)}}}}`, '/config.json');
        } catch (error) {
          return error instanceof PinlaneError && !error.message.includes(secret);
        }
        return false;
      }),
    );
  });
});
