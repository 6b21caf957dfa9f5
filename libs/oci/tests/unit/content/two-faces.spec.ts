import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe as suite, expect, it } from '@jest/globals';
import { codeOf, errorOf, jsonBytes, makeImage, putImage, temporaryFolder } from '@pinlane/testing';
import { describe, OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST, openStore, parseConfig, parseDocument, parseLayoutIndex, readImage } from '../../../src/index.ts';
import { parseReferrers } from '../../../src/registry/referrers/entries.ts';
import { readParts } from '../../../src/store/manifest-parts.ts';
import { sourceOfBytes } from '../../support/images.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const other = `sha256:${'b'.repeat(64)}`;
const config = `{"mediaType":"${OCI_CONFIG}","digest":"${digest}","size":7}`;
const layer = `{"mediaType":"${OCI_LAYER_GZIP}","digest":"${digest}","size":9}`;
const manifest = (more = '') => Buffer.from(`{"schemaVersion":2,"mediaType":"${OCI_MANIFEST}","config":${config},"layers":[${layer}]${more}}`);
const imageConfig = (more = '', execution = '') =>
  Buffer.from(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["${digest}"]},"config":{"User":"1000"${execution}}${more}}`);
const index = (entry = '', more = '') =>
  Buffer.from(
    `{"schemaVersion":2,"manifests":[{"mediaType":"${OCI_MANIFEST}","digest":"${digest}","size":3,"platform":{"os":"linux","architecture":"amd64"}${entry}}]${more}}`,
  );

/** Documents that other readers take otherwise, and what the refusal names. */
const MANIFESTS: readonly (readonly [string, Uint8Array, string])[] = [
  ['a repeated key', manifest(`,"config":${config.replace(digest, other)}`), '"config" is repeated'],
  ['a key that is repeated in another writing', manifest(`,"\\u0063onfig":${config}`), '"config" is repeated'],
  ['a key that is another but for case', manifest(`,"Config":${config.replace(digest, other)}`), '"Config" is "config" but for case'],
  ['a key in capitals', manifest(`,"LAYERS":[]`), '"LAYERS" is "layers"'],
  ['a key with a long s', manifest(`,"layerſ":[]`), '"layerſ" is "layers"'],
  ['a field that is there in another case only', manifest(`,"Subject":${config}`), '"Subject" is "subject"'],
  ['a field of a descriptor in another case', manifest().toString().replace('"size":9', '"Size":9,"size":9') as never, 'layers.0: the key "Size" is "size"'],
  ['a repeated field of a descriptor', manifest().toString().replace('"size":9', '"size":8,"size":9') as never, 'layers.0.size: the key "size" is repeated'],
  ['two unknown keys that are equal but for case', manifest(`,"future":1,"Future":2`), '"Future" is "future"'],
  ['unknown keys of an unknown object', manifest(`,"future":{"a":1,"A":2}`), 'future: the key "A" is "a"'],
  ['a repeated annotation', manifest(`,"annotations":{"a":"1","a":"2"}`), 'annotations.a: the key "a" is repeated'],
  ['an annotation that gets lost', manifest(`,"annotations":{"__proto__":"1"}`), 'annotations: the key "__proto__"'],
  ['a key that gets lost, in another writing', manifest(`,"future":{"_\\u005fproto__":{}}`), 'future: the key "__proto__"'],
  ['half of a surrogate pair', manifest(`,"annotations":{"a":"\\ud800"}`), 'half of a surrogate pair'],
  ['half of a surrogate pair in a key', manifest(`,"annotations":{"\\udfff":"1"}`), 'half of a surrogate pair'],
  ['the layers of schema 1', manifest(`,"fsLayers":[]`), 'has no fsLayers'],
  ['a size as a power', manifest().toString().replace('"size":9', '"size":9e0') as never, 'the number 9e0'],
  ['a size as a fraction', manifest().toString().replace('"size":9', '"size":9.0') as never, 'the number 9.0'],
  ['minus zero', manifest().toString().replace('"size":9', '"size":-0') as never, 'the number -0'],
  ['a number that no float holds', manifest(`,"future":9007199254740993`), 'the number 9007199254740993'],
  ['a number that stands for two, as JavaScript writes it', manifest(`,"future":9007199254740992`), 'the number 9007199254740992'],
  ['a large whole number, as JavaScript writes it', manifest(`,"future":[-1e+21]`), 'the number -1e+21'],
  ['a number beyond all bounds', manifest(`,"future":1e999`), 'the number 1e999'],
  ['a mark of the byte order', Buffer.concat([Buffer.from('\ufeff'), manifest()]), 'not JSON in UTF-8'],
  ['text behind it', Buffer.concat([manifest(), Buffer.from('{}')]), 'not JSON in UTF-8'],
  ['bytes that are no UTF-8', Buffer.concat([manifest().subarray(0, -1), Buffer.from(',"a":"\xff"}', 'latin1')]), 'not JSON in UTF-8'],
  ['lists that are one level too deep', manifest(`,"future":${'['.repeat(100)}${']'.repeat(100)}`), 'deeper than 100 levels'],
  ['lists in lists without end', manifest(`,"future":${'['.repeat(200)}${']'.repeat(200)}`), 'deeper than 100 levels'],
].map(([title, text, why]) => [title, Buffer.from(text as string | Buffer), why] as [string, Uint8Array, string]);

const INDEXES: readonly (readonly [string, Uint8Array, string])[] = [
  ['a repeated list', index('', ',"manifests":[]'), '"manifests" is repeated'],
  ['a list in another case', index('', ',"Manifests":[]'), '"Manifests" is "manifests"'],
  ['a platform in another case', index(',"Platform":{"os":"linux","architecture":"arm64"}'), 'manifests.0: the key "Platform" is "platform"'],
  ['a repeated digest', index(`,"digest":"${other}"`), 'manifests.0.digest: the key "digest" is repeated'],
  ['a key of a platform in another case', Buffer.from(index().toString().replace('"os"', '"OS":"windows","os"')), '"OS" is "os"'],
  ['a key of Docker’s in another case', Buffer.from(index().toString().replace('"os"', '"Features":["x"],"os"')), '"Features" is "features"'],
];

const CONFIGS: readonly (readonly [string, Uint8Array, string])[] = [
  ['another user in another case', imageConfig('', ',"user":"root"'), 'config: the key "user" is "User"'],
  ['a label that gets lost', imageConfig('', ',"Labels":{"__proto__":"1"}'), 'config.Labels: the key "__proto__"'],
  ['a repeated user', imageConfig('', ',"User":"root"'), 'config.User: the key "User" is repeated'],
  ['an entry point in another case only', imageConfig('', ',"ENTRYPOINT":["/bin/sh"]'), '"ENTRYPOINT" is "Entrypoint"'],
  ['a Kelvin sign', imageConfig('', ',"NetworKDisabled":true'), '"NetworKDisabled" is "NetworkDisabled"'],
  ['a second file system in another case', imageConfig(`,"rootFS":{"type":"layers","diff_ids":["${other}"]}`), '"rootFS" is "rootfs"'],
  ['triggers in another case', imageConfig('', ',"onbuild":["RUN x"]'), '"onbuild" is "OnBuild"'],
  ['a check of health in another case', imageConfig('', ',"Healthcheck":{"test":["NONE"]}'), 'config.Healthcheck: the key "test" is "Test"'],
];

suite('A document with two faces', () => {
  it.each(MANIFESTS)('is no manifest if it has %s', async (_, bytes, why) => {
    for (const parse of [parseDocument, (each: Uint8Array) => parseReferrers(each, digest as never)]) {
      if (parse !== parseDocument && !/repeated|surrogate|__proto__|number|UTF-8|deeper/.test(why)) continue;
      const { code, message } = await errorOf(() => parse(bytes));
      expect([code, message]).toEqual(['ERR_MANIFEST_INVALID', expect.stringContaining(why)]);
    }
    expect(readParts(bytes)).toBeUndefined();
  });

  it.each(INDEXES)('is no index if it has %s', async (_, bytes, why) => {
    for (const parse of [parseDocument, parseLayoutIndex])
      expect(await errorOf(() => parse(bytes))).toMatchObject({ code: 'ERR_MANIFEST_INVALID', message: expect.stringContaining(why) });
    expect(readParts(bytes)).toBeUndefined();
  });

  it.each(CONFIGS)('is no config if it has %s', async (_, bytes, why) => {
    expect(await errorOf(() => parseConfig(bytes))).toMatchObject({ code: 'ERR_MANIFEST_INVALID', message: expect.stringContaining(why) });
  });

  it('is refused as the config of an image, wherever the image comes from', async () => {
    const image = makeImage({ architectures: ['amd64'] });
    const { config: good, layers } = image.platforms[0]!;
    const bad = Buffer.from(Buffer.from(good.bytes).toString().replace('"config":{', '"config":{"user":"root",'));
    const bytes = jsonBytes({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describe(OCI_CONFIG, bad),
      layers: layers.map(({ descriptor }) => descriptor),
    });
    const source = sourceOfBytes([bytes, bad]);
    expect(await codeOf(() => readImage(source, describe(OCI_MANIFEST, bytes).digest))).toBe('ERR_MANIFEST_INVALID');
  });

  it('is not taken by the store, nor is a layout whose list of images is one', async () => {
    const store = openStore(temporaryFolder('oci'));
    const image = makeImage();
    await putImage(store, image);
    const { bytes } = image.index;
    const twice = Buffer.from(Buffer.from(bytes).toString().replace('"manifests":', '"Manifests":[],"manifests":'));
    expect(await codeOf(() => store.putManifest(describe(image.index.descriptor.mediaType, twice), twice))).toBe('ERR_MANIFEST_INVALID');
    await writeFile(join(store.root, 'index.json'), twice);
    expect(await errorOf(() => openStore(store.root).names())).toMatchObject({
      code: 'ERR_STORE_CORRUPT',
      message: expect.stringContaining('"Manifests" is "manifests"'),
    });
  });
});

suite('A document with one meaning', () => {
  it.each([
    ['annotations that differ in case, as nobody folds their keys', manifest(`,"annotations":{"a":"1","A":"2","ſ":"3","s":"4"}`), parseDocument],
    ['labels that differ in case', imageConfig('', ',"Labels":{"user":"x","User":"y"},"Volumes":{"/a":{},"/A":{}}'), parseConfig],
    ['unknown keys and fractions', manifest(`,"future":{"size":1.5,"deep":[[[{}]]]}`), parseDocument],
    [
      'keys of Docker’s own',
      imageConfig(',"docker_version":"1","container_config":{"Hostname":"x"}', ',"Hostname":"","Image":"x","OnBuild":null'),
      parseConfig,
    ],
    ['lists that are as deep as they may be', manifest(`,"future":${'['.repeat(99)}${']'.repeat(99)}`), parseDocument],
    ['escapes of whole characters', manifest(`,"annotations":{"\\u0061":"\\ud83d\\ude00 \\" \\\\"}`), parseDocument],
  ] as const)('is read with %s', (_, bytes, parse) => {
    expect(() => parse(bytes)).not.toThrow();
  });
});
