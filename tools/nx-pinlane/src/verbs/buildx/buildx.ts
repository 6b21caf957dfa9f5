import { EXIT, type BuiltImage, type Skipped } from '@pinlane/contracts';
import { requireMayBuild } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { writeBundle } from '../../images/bundle.ts';
import { skipped } from '../../images/options.ts';
import { resolveSettings } from '../../workspace/settings.ts';
import type { BuildxOptions } from './options.ts';

/** Builds a processor's image, or finds that it is there. @throws ERR_LANE_FORBIDS, ERR_ENGINE_UNAVAILABLE and whatever building throws */
export const buildx = async (options: BuildxOptions, context: VerbContext): Promise<VerbOutcome<BuiltImage | Skipped>> => {
  if (options.skip) return { document: skipped, lines: ['nothing built: the pinned image is what is used'], exitCode: EXIT.good };
  const settings = resolveSettings(options, context.env);
  requireMayBuild(settings.lane);
  // The bundler is a process of its own, so the modules that build are loaded while it works.
  const bundling = options.bundle ? writeBundle({ ...options.bundle, lane: settings.lane }, context) : Promise.resolve();
  bundling.catch(() => undefined);
  const { buildProcessor } = await import('./build-processor.ts');
  return buildProcessor(options, settings, bundling, context);
};
