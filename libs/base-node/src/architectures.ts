import { ARCHITECTURES, type Architecture } from '@pinlane/contracts';

/** A value for each architecture, in the order in which they are listed everywhere. */
export const forEachArchitecture = <T>(valueOf: (architecture: Architecture) => T): Record<Architecture, T> =>
  Object.fromEntries(ARCHITECTURES.map((architecture) => [architecture, valueOf(architecture)])) as Record<Architecture, T>;

/**
 * What Debian calls an architecture. The lock, the names of packages' files and their control files use Debian's word where everything else uses ours,
 * so the two must be the same.
 */
export const DEBIAN_ARCHITECTURES: { readonly [A in Architecture]: A } = { amd64: 'amd64', arm64: 'arm64' };

/** What npm calls the processor in the name of the package that carries Node. */
export const NPM_CPUS: Readonly<Record<Architecture, string>> = { amd64: 'x64', arm64: 'arm64' };

/** Whether the loader of an architecture's programs is looked for in /lib64, which then has to lead to it. */
export const HAS_LIB64: Readonly<Record<Architecture, boolean>> = { amd64: true, arm64: false };
