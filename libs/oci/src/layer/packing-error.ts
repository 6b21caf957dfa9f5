import { PinlaneError } from '@pinlane/contracts';

/** Why bytes are not packed as they are said to be. */
export class PackingError extends PinlaneError {
  /** Completes a sentence about them: `end in the middle of a frame`. */
  readonly why: string;

  constructor(why: string, cause?: unknown) {
    super({ code: 'ERR_MANIFEST_INVALID', message: `packed bytes ${why}` }, { cause });
    this.why = why;
  }
}

/** @throws PackingError */
export const broken = (why: string): never => {
  throw new PackingError(why);
};
