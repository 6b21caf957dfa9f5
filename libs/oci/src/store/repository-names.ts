import { isRepositoryPath, isTag } from '@pinlane/contracts';

/** A name in the store, as a registry has it. */
export interface Tagged {
  readonly repository: string;
  readonly tag: string;
}

const LATEST = 'latest';

/**
 * The layout has one flat list of names, a registry has repositories with tags in them. What builds name `<slug>` is `<slug>:latest` to a
 * registry; any other tag is a name `<repository>:<tag>`.
 */
export const nameOfTag = ({ repository, tag }: Tagged): string => (tag === LATEST ? repository : `${repository}:${tag}`);

/** Undefined for a name that no registry could have, such as one with upper-case letters. */
export const tagOfName = (name: string): Tagged | undefined => {
  const colon = name.indexOf(':');
  const [repository, tag] = colon === -1 ? [name, LATEST] : [name.slice(0, colon), name.slice(colon + 1)];
  return isRepositoryPath(repository) && isTag(tag) ? { repository, tag } : undefined;
};
