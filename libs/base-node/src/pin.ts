import { fail, type Digest } from '@pinlane/contracts';
import { applyPublished } from '@pinlane/pipeline';
import { lockFileOf, readDefinition, readLock } from './inputs.ts';
import { definitionDigest, parseDefinition } from './lock/definition.ts';
import { lockFingerprint, recordedImage, type LockedImage } from './lock/lock.ts';

/** What a base is to be, by its lock. */
export interface PinnableBase {
  readonly image: LockedImage;
  /** The fingerprint in the labels of its images. */
  readonly fingerprint: Digest;
  /** The digest of what base.yaml asks for. */
  readonly definition: Digest;
  /** What base.yaml names, `repository@sha256:…`; null if nothing. */
  readonly published: string | null;
}

/** The image that a base's lock records, and the one that its base.yaml names. @throws ERR_BASE_DEFINITION_INVALID, ERR_BASE_LOCK_INVALID, also if the lock records none */
export const readPinnable = async (baseDir: string): Promise<PinnableBase> => {
  const definition = await readDefinition(baseDir);
  const lock = await readLock(baseDir, definition);
  const image =
    recordedImage(lock) ?? fail('ERR_BASE_LOCK_INVALID', 'does not record what it assembles to, so there is no digest to pin', { file: lockFileOf(baseDir) });
  return { image, fingerprint: lockFingerprint(lock), definition: definitionDigest(definition), published: definition.published ?? null };
};

/**
 * The text of a base.yaml that names where the base was pushed to; no other byte of it changes. @param reference `repository@sha256:…`
 * @param definition what the text must ask for
 * @returns also what it named before
 * @throws ERR_BASE_DEFINITION_INVALID, ERR_REGISTRY_CONFLICT if another base is asked for by now, or the text can't be edited
 */
export const withPublished = (
  text: string,
  reference: string,
  { definition, file }: Pick<PinnableBase, 'definition'> & { readonly file: string },
): { readonly text: string; readonly before: string | null } => {
  const now = parseDefinition(text, file);
  if (definitionDigest(now) !== definition) fail('ERR_REGISTRY_CONFLICT', 'it asks for another base than when its pin was begun', { file });
  const { published: before = null } = now;
  if (before === reference) return { text, before };
  const written = applyPublished(text, reference, { file });
  const after = parseDefinition(written, file);
  if (after.published !== reference || definitionDigest(after) !== definition) fail('ERR_REGISTRY_CONFLICT', 'the pin could not be written', { file });
  return { text: written, before };
};
