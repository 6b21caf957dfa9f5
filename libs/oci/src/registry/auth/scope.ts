/** What a request does to a repository; `push` includes `pull`. */
export type Access = 'pull' | 'push';

/** The token scope for a repository (distribution's token authentication, "Resource scope"). */
export const scopeOf = (path: string, access: Access): string => `repository:${path}:${access === 'push' ? 'pull,push' : 'pull'}`;

/** Scopes of a challenge and our own, each once; what the registry asked for comes first, because some token services read only the first. */
export const mergeScopes = (asked: string | undefined, own: readonly string[]): string[] => [
  ...new Set([...(asked?.split(' ').filter(Boolean) ?? []), ...own]),
];
