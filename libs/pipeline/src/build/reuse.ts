import { architectureOf, type BuildPlan, type BuiltImage } from '@pinlane/contracts';
import { isOpenEnded, variantOf, type BuildRequest } from './request.ts';

/** The engine and the options with which a reused image must have been built. */
export interface Asked {
  readonly engine: 'auto' | 'embedded' | 'docker';
  /** If absent, an image with any options will do. */
  readonly request?: BuildRequest | undefined;
}

const coversAll = (image: BuiltImage, { platforms }: BuildPlan): boolean =>
  platforms.length === Object.keys(image.platforms).length && platforms.every((platform) => image.platforms[architectureOf(platform)] !== undefined);

const isAsAsked = ({ engine, variant }: BuiltImage, asked: Asked): boolean =>
  (asked.engine === 'auto' || asked.engine === engine.name) &&
  (asked.request === undefined || (variantOf(asked.request) === variant && !isOpenEnded(asked.request)));

/** Whether a recorded build is what a plan would build. The caller must still see whether its image is there. */
export const mayReuse = (record: BuiltImage, plan: BuildPlan, asked: Asked): boolean =>
  record.fingerprint === plan.fingerprint && coversAll(record, plan) && isAsAsked(record, asked);
