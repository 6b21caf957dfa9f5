import type { WorkspacePaths } from '../../workspace/paths.ts';
import { readSmallFile } from '../../workspace/small-file.ts';
import { isOnce } from './once.ts';
import type { RecordedBuild } from './settled-pin.ts';
import { hasWholeImage } from './stored-image.ts';

/** The record of a project's last build, unchecked: whoever uses the image reads the record strictly. Null if there is none. */
export const recordedBuild = async (path: string): Promise<RecordedBuild | null> => {
  try {
    const file = readSmallFile(path, 1024 * 1024, { links: false });
    return file.kind === 'file' ? (JSON.parse(Buffer.from(file.bytes).toString('utf8')) as RecordedBuild | null) : null;
  } catch {
    return null;
  }
};

/** Whether a pushed image is in its registry. If that can't be found out, it counts as gone: the task runs, and says why. */
const isPublished = async (paths: WorkspacePaths, name: string): Promise<boolean> => {
  const [{ isPushed }, { readRecord }, settings] = await Promise.all([
    import('../../images/locations.ts'),
    import('../../workspace/build-records.ts'),
    import('../../workspace/settings.ts'),
  ]);
  const image = await readRecord(paths, name);
  try {
    const insecureRegistries = settings.insecureRegistries(undefined, process.env);
    return image !== null && (await isPushed(image, { insecureRegistries, signal: AbortSignal.timeout(10_000) }));
  } catch {
    return false;
  }
};

/**
 * Whether the image of the last build has lost a part, in the store or in the registry it was pushed to. Not asked if that build was not
 * the one of this key: its image says nothing about this source, and asking a registry takes a tenth of a second.
 */
export const isGone = async (paths: WorkspacePaths, name: string, key: string): Promise<boolean> => {
  const image = await recordedBuild(paths.record(name));
  if (image === null || (image.cacheKey !== undefined && !isOnce(image.cacheKey) && image.cacheKey !== key)) return false;
  return !((await hasWholeImage(paths.store, image.index)) && (!image.pushed || (await isPublished(paths, name))));
};
