import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { jsonBytes, makeImage, putImage } from '@pinlane/testing';
import { copyImage, openRepository, verifyImage } from '../../../src/index.ts';
import { describe as described, OCI_INDEX, OCI_MANIFEST, sha256 } from '../../../src/content/index.ts';
import { verifyWhole } from '../../support/images.ts';
import { writers } from '../../support/processes.ts';
import { pushImage, serving, type Served } from '../../support/serving.ts';

const start = writers();
const serve = serving();

const EVERYTHING = -10_000;

/** Makes everything in a store look as if nobody had used it for hours. */
const age = async ({ root }: Served): Promise<void> => {
  const long = new Date(Date.now() - 5 * 60 * 60 * 1000);
  for (const name of await readdir(join(root, 'blobs/sha256'))) await utimes(join(root, 'blobs/sha256', name), long, long);
};

describe('Garbage collection', () => {
  it('leaves what is tagged, what is kept, and what refers to either, down to the last blob', async () => {
    const served = await serve();
    const [tagged, pinned, loose] = [makeImage(), makeImage(), makeImage()];
    await pushImage(served, 'app', tagged, 'v1');
    await pushImage(served, 'app', pinned);
    await pushImage(served, 'app', loose);
    const config = jsonBytes({});
    await served.putBlob('app', config);
    const reportOn = async (subject: { mediaType: string; digest: string; size: number }) => {
      const bytes = jsonBytes({ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType: 'a/b', config: described('a/c', config), layers: [], subject });
      await served.ask('PUT', `/v2/app/manifests/${sha256(bytes)}`, { body: bytes });
      return described(OCI_MANIFEST, bytes);
    };
    const report = await reportOn(tagged.platforms[0]!.descriptor);
    const onReport = await reportOn(report);
    const onLoose = await reportOn(loose.index.descriptor);

    const { removed } = await served.store.collect({ keep: [pinned.index.descriptor.digest], graceMs: EVERYTHING });
    const all = ({ index, platforms, blobs }: typeof loose) => [index, ...platforms, ...blobs].map(({ descriptor }) => descriptor.digest);
    expect([...removed].sort()).toEqual([...all(loose), onLoose.digest].sort());
    for (const digest of [tagged.index.descriptor.digest, pinned.index.descriptor.digest]) await verifyWhole(served.store, digest);
    expect((await served.store.referrers(report.digest)).map(({ digest }) => digest)).toEqual([onReport.digest]);
    expect(await readdir(join(served.root, '.pinlane-referrers'))).toHaveLength(2);
  });

  it('forgets deletions with what they were about', async () => {
    const served = await serve();
    const image = makeImage();
    await pushImage(served, 'team/app', image, 'v1');
    await served.ask('DELETE', `/v2/team/app/manifests/${image.index.descriptor.digest}`);
    await served.store.collect({ keep: [image.index.descriptor.digest], graceMs: EVERYTHING });
    expect(await readdir(join(served.root, '.pinlane-deleted'))).toEqual(['team+app']);
    await served.store.collect({ keep: [], graceMs: EVERYTHING });
    expect(await readdir(join(served.root, '.pinlane-deleted'))).toEqual([]);
    expect(await readdir(join(served.root, 'blobs/sha256'))).toEqual([]);
  });

  it('goes on over an index in an index, which no build makes and any client may push', async () => {
    const served = await serve();
    const image = makeImage();
    await pushImage(served, 'app', image);
    const nested = jsonBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [image.index.descriptor] });
    expect((await served.ask('PUT', '/v2/app/manifests/v1', { body: nested, headers: { 'content-type': OCI_INDEX } })).status).toBe(201);
    expect((await served.store.collect({ keep: [], graceMs: EVERYTHING })).removed).toEqual([]);
    await verifyWhole(served.store, image.index.descriptor.digest);
  });

  it('leaves what a client was told is there, for an hour', async () => {
    const served = await serve();
    const image = makeImage();
    await putImage(served.store, image);
    const [seen, mounted, unseen] = image.blobs.map(({ descriptor }) => descriptor.digest);
    await age(served);
    expect((await served.ask('HEAD', `/v2/app/blobs/${seen}`)).status).toBe(200);
    expect((await served.ask('POST', `/v2/app/blobs/uploads/?mount=${mounted}`)).status).toBe(201);
    const { removed } = await served.store.collect({ keep: [] });
    expect([seen, mounted, unseen].map((digest) => removed.includes(digest!))).toEqual([false, false, true]);
    expect((await served.ask('HEAD', `/v2/app/blobs/${unseen}`)).status).toBe(404);
  });

  it('takes nothing from a push that runs beside it, also where that finds old blobs to build on', async () => {
    const served = await serve();
    const local = await serve();
    const images = Array.from({ length: 8 }, () => makeImage({ layerSize: 20_000 }));
    for (const image of images) {
      await putImage(local.store, image);
      await putImage(served.store, image);
    }
    await age(served);
    const collector = start('collect', served.root, 'gc', '0');
    await collector.said(1);
    await Promise.all(
      images.map(async ({ index }, number) => {
        // What was there is gone by now, or goes at this moment, or is claimed in time: the push has to come through each of them.
        const repository = openRepository({ host: served.host, path: `app-${number}` });
        await copyImage(local.store, repository, index.descriptor.digest);
        await repository.tag('v1', index.descriptor, index.bytes);
      }),
    );
    await collector.said(collector.lines.length + 2);
    await collector.kill();
    for (const [number, { index }] of images.entries())
      await verifyImage(openRepository({ host: served.host, path: `app-${number}` }), index.descriptor.digest, { blobs: 'hashed' });
  });
});
