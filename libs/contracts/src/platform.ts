import { fail } from './errors/error.ts';
import { quoted } from './errors/redact.ts';

/** The processor architectures that are built and pinned, in the order in which they are listed everywhere. */
export const ARCHITECTURES = ['amd64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** A record of something for each architecture. */
export const byArchitecture = <T>(valueOf: (architecture: Architecture) => T): Record<Architecture, T> =>
  Object.fromEntries(ARCHITECTURES.map((architecture) => [architecture, valueOf(architecture)])) as Record<Architecture, T>;

/** A platform in Docker's notation. */
export type Platform = `linux/${Architecture}`;

/** `amd64` -> `linux/amd64`. */
export const platformOf = (architecture: Architecture): Platform => `linux/${architecture}`;

/** `linux/amd64` -> `amd64`. */
export const architectureOf = (platform: Platform): Architecture => platform.slice('linux/'.length) as Architecture;

/** The platform of each architecture, in the same order. */
export const PLATFORMS: readonly Platform[] = ARCHITECTURES.map(platformOf);

/** What Node calls each architecture. */
const NODE_NAMES: Readonly<Record<Architecture, NodeJS.Architecture>> = { amd64: 'x64', arm64: 'arm64' };

/** The architecture of a machine from Node's `process.arch`. @throws ERR_PLATFORM_INVALID */
export const architectureOfMachine = (arch: string): Architecture =>
  ARCHITECTURES.find((architecture) => NODE_NAMES[architecture] === arch) ??
  fail('ERR_PLATFORM_INVALID', `this machine's architecture, ${arch}, is not supported`);

/** Parses a list such as `linux/arm64,linux/amd64` (a bare architecture is understood too); sorted, without repeats. @throws ERR_PLATFORM_INVALID */
export const parsePlatforms = (text: string | readonly string[]): Platform[] => {
  const wanted = (typeof text === 'string' ? text.split(',') : [...text]).map((part) => part.trim()).filter(Boolean);
  const parsed = wanted.map(
    (part) =>
      PLATFORMS.find((platform) => part === platform || part === architectureOf(platform)) ??
      fail('ERR_PLATFORM_INVALID', `${quoted(part)} is not a platform that can be built`),
  );
  if (parsed.length === 0) fail('ERR_PLATFORM_INVALID', 'no platform is named');
  return PLATFORMS.filter((platform) => parsed.includes(platform));
};
