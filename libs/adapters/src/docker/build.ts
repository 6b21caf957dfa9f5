import type { BuildPlan, Progress } from '@pinlane/contracts';
import type { BaseLayers, BuildContext, Store } from '@pinlane/oci';
import type { ProcessRunner } from '../process/index.ts';
import type { Builder } from './find-builder.ts';
import type { DockerBuildOptions } from '@pinlane/pipeline';

/** What the docker engine builds from, besides the plan. */
export interface DockerEngineInput {
  readonly runner: ProcessRunner;
  readonly context: BuildContext;
  /** The Dockerfile's name in messages. */
  readonly file: string;
  /** The image behind each name in the Dockerfile, as BuildKit takes it: `oci-layout://…@sha256:…`, `docker-image://…@sha256:…`. */
  readonly bases: Readonly<Record<string, string>>;
  /** The layers of those images. */
  readonly baseLayers: BaseLayers;
  readonly options: DockerBuildOptions;
  readonly noCache: boolean;
  /** Whether nothing may be left to, or taken from, other runs. */
  readonly isolated: boolean;
  /** Where the image is written. */
  readonly store: Store;
  /** A folder of ours, in which each build makes its own for what it needs on the way. */
  readonly workFolder: string;
  /** The workspace's root. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The commit to be recorded; called when the image is built. */
  readonly revision: () => Promise<string | null>;
  readonly note: (line: string) => void;
}

/** One build with one builder. */
export interface DockerBuild {
  /** With the options that this build really uses. */
  readonly input: DockerEngineInput;
  readonly builder: Builder;
  readonly plan: BuildPlan;
  readonly io: { readonly progress: Progress; readonly signal: AbortSignal };
  /** Values of secrets, which nothing that is shown may hold. */
  readonly hidden: readonly string[];
  /** The folder of this build, which its end removes. */
  readonly folder: string;
  /** The context as COPY sees it, and the Dockerfile outside of it. */
  readonly context: string;
  readonly dockerfile: string;
}
