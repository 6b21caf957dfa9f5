import { isRepositoryPath, isTag } from '@pinlane/contracts';

/** A name of the store as a registry sees it. */
export interface Tagged {
  readonly repository: string;
  readonly tag: string;
}

const LATEST = 'latest';

/**
 * The store's name for a tag. The layout has one flat list of names, and a registry has repositories with tags. The name `<slug>`, which builds give, is the
 * tag `<slug>:latest`; any other tag is the name `<repository>:<tag>`.
 */
export const nameOfTag = ({ repository, tag }: Tagged): string => (tag === LATEST ? repository : `${repository}:${tag}`);

/** The tag for a name of the store; undefined if no registry could have it, such as a name with upper-case letters. */
export const tagOfName = (name: string): Tagged | undefined => {
  const colon = name.indexOf(':');
  const [repository, tag] = colon === -1 ? [name, LATEST] : [name.slice(0, colon), name.slice(colon + 1)];
  return isRepositoryPath(repository) && isTag(tag) ? { repository, tag } : undefined;
};
