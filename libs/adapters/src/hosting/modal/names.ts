/** The name under which an image is published for a pin: it holds the whole digest, and only images of that digest are ever given it. */
export const publishedName = (slug: string, digest: string): string => `${slug}:${digest.slice('sha256:'.length)}`;

/** What a published name stands for, whether or not the environment is written before it; null if it is no name of ours. */
export const parsePublished = (name: string): { readonly slug: string; readonly digest: string } | null => {
  const [, slug, hex] = /^(?:[^/]+\/)?([a-z0-9-]+):([a-f0-9]{64})$/.exec(name) ?? [];
  return slug === undefined || hex === undefined ? null : { slug, digest: `sha256:${hex}` };
};

/** The name of the one Server of an app that `modal server deploy` made. */
export const SERVER = 'Server';

/** The app that images are built and Sandboxes are run in. Under the name of a target it would be an empty deployed app. */
export const HELPER_APP = 'pinlane-images';
