import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { architectureOf, type Architecture, type Platform } from '@pinlane/contracts';
import { composeIndex, type Descriptor } from '@pinlane/oci';
import { SOURCE_DATE_EPOCH } from './arguments.ts';
import type { DockerBuild } from './build.ts';
import type { ClampTarget } from './clamp-image.ts';
import { importArchive } from './import-archive.ts';
import { importLayout, type ImportedImage } from './import-layout.ts';
import { lendLayouts } from './lend-layouts.ts';
import { wantsAttestations } from '@pinlane/pipeline';
import { runBuildx } from './run-buildx.ts';

const clampTarget = ({ input, plan }: DockerBuild): ClampTarget => {
  const { store, baseLayers, noCache, isolated } = input;
  return { store, base: baseLayers, epoch: Number(plan.buildArgs['SOURCE_DATE_EPOCH'] ?? SOURCE_DATE_EPOCH), fresh: noCache || isolated };
};

/** Builds all platforms in one call, for a builder that writes OCI layouts. */
export const buildAtOnce = async (build: DockerBuild): Promise<ImportedImage> => {
  const { input, plan, io } = build;
  const folder = join(build.folder, 'image');
  await runBuildx(build, plan.platforms, { kind: 'layout', folder });
  io.progress(`taking the image into the store`);
  const keepIndex = wantsAttestations(input.options) || (input.options.annotations ?? []).length > 0;
  return importLayout(folder, clampTarget(build), plan.platforms, { keepIndex });
};

/** Builds one platform into Docker's own image store, under a name of its own for as long as it takes to copy it from there. */
const buildOne = async (build: DockerBuild, platform: Platform): Promise<Descriptor> => {
  const { input, builder, plan, io } = build;
  const { runner, env } = input;
  const { program: command } = builder;
  const architecture = architectureOf(platform);
  const name = `pinlane.localhost/build/${plan.slug}:${architecture}-${randomBytes(6).toString('hex')}`;
  const archive = join(build.folder, `${architecture}.tar`);
  try {
    await runBuildx(build, [platform], { kind: 'image', name });
    await runner.run({ command, args: ['save', '--output', archive, name], env, signal: io.signal });
  } finally {
    await runner.run({ command, args: ['image', 'rm', name], env, expectedCodes: [1] }).catch(() => undefined);
  }
  const descriptor = await importArchive(archive, join(build.folder, `${architecture}-files`), clampTarget(build), platform);
  await rm(archive, { force: true });
  return descriptor;
};

/** Builds one platform after the other, the last one first, for a builder that writes no OCI layouts and reads none. */
export const buildOneByOne = async (build: DockerBuild): Promise<ImportedImage> => {
  const { store } = build.input;
  const { bases, takeBack } = await lendLayouts(build.input.bases, store);
  const children: Partial<Record<Architecture, Descriptor>> = {};
  try {
    const lent = { ...build, input: { ...build.input, bases } };
    for (const platform of [...build.plan.platforms].reverse()) children[architectureOf(platform)] = await buildOne(lent, platform);
  } finally {
    await takeBack();
  }
  const { bytes, descriptor } = composeIndex(Object.values(children));
  await store.putManifest(descriptor, bytes);
  return { platforms: children, index: descriptor };
};
