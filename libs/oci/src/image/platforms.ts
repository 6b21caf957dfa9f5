import { PLATFORMS, type Architecture, type Platform } from '@pinlane/contracts';
import { DOCKER_REFERENCE_TYPE, type Descriptor, type DescriptorPlatform } from '../content/index.ts';

/** The variant that Docker leaves out because it is the only one, or the least, of its architecture; null for an architecture that has none. */
const DEFAULT_VARIANT: Readonly<Record<Architecture, string | null>> = { amd64: 'v1', arm64: 'v8' };

type PlatformParts = { readonly os: string; readonly architecture: string; readonly variant?: string | undefined };

const isDefaultVariant = (architecture: string, variant: string): boolean =>
  Object.hasOwn(DEFAULT_VARIANT, architecture) && DEFAULT_VARIANT[architecture as Architecture] === variant;

/** Other names of architectures, as containerd takes them (platforms, normalizeArch). */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['aarch64', 'arm64'],
]);

/** `os/architecture[/variant]`, without the variant if it is the architecture's default: arm64/v8 is arm64, and so is aarch64. */
export const platformName = (parts: PlatformParts): string => {
  const [os, named] = [parts.os.toLowerCase(), parts.architecture.toLowerCase()];
  const architecture = ALIASES.get(named) ?? named;
  const variant = (parts.variant ?? '').toLowerCase().replace(/^(?=\d)/, 'v');
  return variant === '' || isDefaultVariant(architecture, variant) ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
};

/** The platform that Pinlane builds for; undefined for any other. */
export const knownPlatform = (parts: PlatformParts): Platform | undefined => PLATFORMS.find((platform) => platform === platformName(parts));

/** The platform that a text such as `linux/arm64`, `linux/arm64/v8` or `arm64` names; undefined if Pinlane does not build for it. */
export const parsePlatform = (text: string): Platform | undefined => {
  const parts = text.trim().split('/');
  if (parts.includes('') || parts.length > 3) return undefined;
  const [os, architecture, variant] = parts.length === 1 ? ['linux', ...parts] : parts;
  return knownPlatform({ os: os!, architecture: architecture!, variant });
};

/** The `platform` entry of an index for a platform. */
export const platformEntry = (platform: Platform): DescriptorPlatform => {
  const [os, architecture] = platform.split('/') as [string, string];
  return { architecture, os };
};

/** Whether an index's entry is not an image that runs: an attestation or the like, which BuildKit lists as unknown/unknown. */
export const isAttestation = ({ platform, annotations }: Descriptor): boolean =>
  (platform?.os === 'unknown' && platform.architecture === 'unknown') || annotations?.[DOCKER_REFERENCE_TYPE] !== undefined;
