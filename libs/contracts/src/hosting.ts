/** The hosting platforms that images can be deployed to. */
export const HOSTING_NAMES = ['local', 'modal'] as const;
export type HostingName = (typeof HOSTING_NAMES)[number];
