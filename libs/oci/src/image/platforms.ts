import { PLATFORMS, type Platform } from '@pinlane/contracts';
import { DOCKER_REFERENCE_TYPE, type Descriptor, type DescriptorPlatform } from '../content/index.ts';

// What Docker leaves out because it is the only one, or the least, of its architecture.
const DEFAULT_VARIANT: Readonly<Record<string, string>> = { amd64: 'v1', arm64: 'v8' };

type PlatformParts = { readonly os: string; readonly architecture: string; readonly variant?: string | undefined };

/** `os/architecture[/variant]`, the variant left out where it is the architecture's default: arm64/v8 is arm64. */
export const platformName = ({ os, architecture, variant }: PlatformParts): string =>
  variant === undefined || variant === '' || variant === DEFAULT_VARIANT[architecture] ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;

/** The platform that Pinlane builds for, where it is one of these. */
export const knownPlatform = (parts: PlatformParts): Platform | undefined => PLATFORMS.find((platform) => platform === platformName(parts));

/** The `platform` entry of an index for a platform. */
export const platformEntry = (platform: Platform): DescriptorPlatform => {
  const [os, architecture] = platform.split('/') as [string, string];
  return { architecture, os };
};

/** Whether an index's entry is no image to run: an attestation or the like, which BuildKit lists as unknown/unknown. */
export const isAttestation = ({ platform, annotations }: Descriptor): boolean =>
  (platform?.os === 'unknown' && platform.architecture === 'unknown') || annotations?.[DOCKER_REFERENCE_TYPE] !== undefined;
