import { parseRepository, type BuiltImage } from '@pinlane/contracts';
import { copyImage, openRepository, type Store } from '@pinlane/oci';
import type { FlowContext } from '../shell/flow.ts';
import { isPushed } from './image-source.ts';

/**
 * Sees to it that an image of the store is in the repository that it is to be pulled from. `before` is what the last build recorded: the
 * image may be there already, have been pushed elsewhere, or not at all.
 * @throws whatever the registry throws
 */
export const ensurePushed = async (image: BuiltImage, before: BuiltImage, store: Store, { progress, signal }: FlowContext): Promise<void> => {
  if (before.pushed && before.repository === image.repository && (await isPushed(image, signal))) return;
  progress(`pushing ${image.name} to ${image.repository}`);
  await copyImage(store, openRepository(parseRepository(image.repository), { signal }), image.index, { progress, signal });
};
