import { architectureOf, type BuildPlan, type BuiltImage } from '@pinlane/contracts';

const coversAll = (image: BuiltImage, { platforms }: BuildPlan): boolean =>
  platforms.length === Object.keys(image.platforms).length && platforms.every((platform) => image.platforms[architectureOf(platform)] !== undefined);

/** Whether a recorded build is what a plan would build. The caller must still see whether its image is there. @param engine the one asked for */
export const mayReuse = (record: BuiltImage, plan: BuildPlan, engine: 'auto' | 'embedded' | 'docker'): boolean =>
  record.fingerprint === plan.fingerprint && coversAll(record, plan) && (engine === 'auto' || record.engine === null || engine === record.engine.name);
