import { architectureOf, type BuildPlan, type BuiltImage } from '@pinlane/contracts';
import { isOpenEnded, variantOf, type BuildRequest } from './request.ts';

/** What a reused image must have been built with. */
export interface Asked {
  readonly engine: 'auto' | 'embedded' | 'docker';
  /** Absent: whatever was built of the source will do. */
  readonly request?: BuildRequest | undefined;
}

const coversAll = (image: BuiltImage, { platforms }: BuildPlan): boolean =>
  platforms.length === Object.keys(image.platforms).length && platforms.every((platform) => image.platforms[architectureOf(platform)] !== undefined);

const isAsAsked = ({ engine, variant }: BuiltImage, asked: Asked): boolean =>
  (asked.engine === 'auto' || asked.engine === engine.name) &&
  (asked.request === undefined || (variantOf(asked.request) === variant && !isOpenEnded(asked.request)));

/** Whether a recorded build stands for a plan, so that nothing has to be built. Whether all of its image is still there is for the caller to see. */
export const mayReuse = (record: BuiltImage, plan: BuildPlan, asked: Asked): boolean =>
  record.fingerprint === plan.fingerprint && coversAll(record, plan) && isAsAsked(record, asked);
