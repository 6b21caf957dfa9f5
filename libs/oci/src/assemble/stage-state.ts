import type { Platform } from '@pinlane/contracts';
import type { ImageHistory } from '../content/index.ts';
import type { Layer } from '../layer/index.ts';
import type { BaseImage } from './bases.ts';
import type { PlannedEntry } from './changes.ts';
import { copyExecution, environmentOf, inheritExecution, type Execution } from './execution.ts';
import { FileTree } from './tree.ts';

/** A layer of the base, or one that is yet to be built. */
export type StageLayer = { readonly kind: 'base'; readonly layer: Layer } | { readonly kind: 'planned'; readonly entries: readonly PlannedEntry[] };

/** A stage after some of its instructions. */
export interface StageState {
  readonly platform: Platform;
  /** Its files, the same tree each time. Whoever asks has the layers of the base read, which may have to be fetched. */
  readonly files: () => Promise<FileTree>;
  readonly layers: StageLayer[];
  readonly history: ImageHistory[];
  readonly execution: Execution;
  /** What `$name` stands for: the last ENV or ARG of this name, also of the base or of the stages below. */
  readonly variables: Map<string, string>;
  author: string | undefined;
  /** What the base's config says about the system, apart from architecture and os. */
  readonly system: { readonly variant?: string; readonly 'os.version'?: unknown; readonly 'os.features'?: unknown };
}

/** Makes something when it is first asked for. */
const madeOnce = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
};

/** The one time in images, so that the same content gives the same digest. */
export const EPOCH = '1970-01-01T00:00:00Z';

/** The state that a stage begins with if it stands on `scratch`. */
export const emptyState = (platform: Platform): StageState => {
  const execution = inheritExecution(undefined);
  const tree = new FileTree();
  return { platform, files: async () => tree, layers: [], history: [], execution, variables: environmentOf(execution), author: undefined, system: {} };
};

/** The state that a stage begins with if it stands on an image. */
export const stateFromImage = (platform: Platform, { tree, layers, config }: BaseImage): StageState => ({
  variables: environmentOf(inheritExecution(config.config ?? {})),
  platform,
  files: madeOnce(tree),
  layers: layers.map((layer) => ({ kind: 'base', layer })),
  history: [...(config.history ?? [])],
  execution: inheritExecution(config.config ?? {}),
  author: config.author,
  system: {
    ...(config.variant === undefined ? {} : { variant: config.variant }),
    ...(config['os.version'] === undefined ? {} : { 'os.version': config['os.version'] }),
    ...(config['os.features'] === undefined ? {} : { 'os.features': config['os.features'] }),
  },
});

/** The state that a stage begins with if it stands on another, which has ended and does not change any more. */
export const stateFromStage = (state: StageState): StageState => ({
  ...state,
  files: madeOnce(async () => (await state.files()).copy()),
  layers: [...state.layers],
  history: [...state.history],
  execution: copyExecution(state.execution),
  variables: new Map(state.variables),
});
