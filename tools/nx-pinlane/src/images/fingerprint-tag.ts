import { digestHex, type Digest } from '@pinlane/contracts';

/** The tag under which a pushed index can be found by the fingerprint of its source. It is a hint: what it names is verified like any other image. */
export const fingerprintTag = (fingerprint: Digest): string => `source-${digestHex(fingerprint)}`;
