/** Rules of paths that people and processors write, with `/`. They hold no file system and no schema, so that inference can load them. */

/** Whether a path begins at the root of a file system. */
export const isRooted = (path: string): boolean => path.startsWith('/');

/** Whether a path goes up on its way, however far it comes down again. */
export const climbs = (path: string): boolean => path.split('/').includes('..');

/** Whether a program would take a path for one of its options. */
export const looksLikeOption = (path: string): boolean => path.startsWith('-');

/** Whether a path stays below the folder that it is relative to, links apart. */
export const staysBelow = (path: string): boolean => !isRooted(path) && !climbs(path);

/** Whether a path between two real folders, as `path.relative` gives it, leads out of the first. */
export const leadsOut = (relative: string): boolean => /^\.\.(?:[/\\]|$)/.test(relative);
