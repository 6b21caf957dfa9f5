import { EXIT } from '@pinlane/contracts';
import type { OptionsOf } from '../options/index.ts';
import type { FlowContext, FlowOutcome } from '../shell/flow.ts';
import { writeBundle } from './bundle.ts';
import { requireMayBuild, resolveSettings } from './settings.ts';

/** Builds a processor's image, or finds that it is there. @throws ERR_LANE_FORBIDS, ERR_ENGINE_UNAVAILABLE and whatever building throws */
export const buildx = async (options: OptionsOf<'buildx'>, context: FlowContext): Promise<FlowOutcome> => {
  if (options.skip) return { document: { kind: 'Skipped', schemaVersion: 1 }, lines: ['nothing built: the pinned image is what is used'], exitCode: EXIT.good };
  const settings = resolveSettings(options, context.env);
  requireMayBuild(settings.lane);
  // The bundler is a process of its own, so what builds is loaded while it works.
  const bundling = options.bundle ? writeBundle(options.bundle, context) : Promise.resolve();
  bundling.catch(() => undefined);
  const { buildProcessor } = await import('./build-processor.ts');
  return buildProcessor(options, settings, bundling, context);
};
