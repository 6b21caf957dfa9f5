import type { Lane } from '@pinlane/contracts';

/** Where each workflow is, the lane that its targets are run in, and what sets it off. */
export const WORKFLOWS = {
  pr: { file: '.github/workflows/pr-tests.yml', lane: 'pr', event: 'pull_request', branches: ['dev', 'staging', 'main'] },
  dev: { file: '.github/workflows/dev-tests.yml', lane: 'dev', event: 'push', branches: ['dev'] },
  staging: { file: '.github/workflows/staging-pipeline.yml', lane: 'staging', event: 'push', branches: ['staging'] },
  main: { file: '.github/workflows/main-pipeline.yml', lane: 'main', event: 'push', branches: ['main'] },
  nightly: { file: '.github/workflows/nightly.yml', lane: 'main', event: 'schedule', branches: null },
} as const satisfies Record<string, { readonly file: string; readonly lane: Lane; readonly event: string; readonly branches: readonly string[] | null }>;

/** A workflow: that of a lane is named by it. */
export type WorkflowName = keyof typeof WORKFLOWS;
export const WORKFLOW_NAMES = Object.keys(WORKFLOWS) as WorkflowName[];

/** The environment of GitHub that holds the secrets of a lane. */
export const ENVIRONMENTS: Readonly<Partial<Record<Lane, string>>> = { staging: 'staging', main: 'production' };

/** The variables of the repository that workflows read, and what each is for. */
export const VARIABLES = {
  STAGING_PIPELINE: '`off` stops the pipeline of staging before it builds.',
  STAGING_PARTS: 'The parts in which staging builds, for many processors: a list such as `["1/4", "2/4", "3/4", "4/4"]`; one job builds all where unset.',
  STAGING_DEPLOY: '`off` stops it before it deploys: images are built, pinned and accepted.',
  MAIN_PIPELINE: '`off` stops the pipeline of main before it begins.',
  MAIN_DEPLOY: '`off` stops it before it deploys.',
  NIGHTLY: '`off` stops what is done every night.',
  PINLANE_ENGINE: 'What builds images: `embedded` where unset, `docker`, or `auto`.',
  PINLANE_REGISTRY: 'Another registry than ghcr.io, with a path prefix; runners are then logged in to it by other means.',
  PINLANE_INSECURE_REGISTRY: 'Hosts of registries that are spoken to by plain HTTP.',
  PINLANE_RUNTIME: 'What runs an image under test; the best that is there where unset.',
  PINLANE_ADAPTER: 'Where images are deployed; what registry.yaml says, else Modal, where unset.',
  PINLANE_MODAL_REGISTRY_SECRET: 'The Modal secret with the login of a private registry; images are public where unset.',
} as const;

/** The login of Modal, which every lane that deploys needs. */
export const MODAL_SECRETS = ['MODAL_TOKEN_ID', 'MODAL_TOKEN_SECRET'] as const;

/** The targets that each workflow must run, one entry after the other; those of one entry in any order. */
export const REQUIRED: Readonly<Record<WorkflowName, readonly (readonly string[])[]>> = {
  pr: [['pin-edits', 'test-unit', 'test-integration', 'acceptance']],
  dev: [['test-unit', 'test-integration', 'acceptance']],
  staging: [
    ['since'],
    ['pin'],
    ['pin --check'],
    ['commit-pins'],
    ['acceptance'],
    ['verify-pins'],
    ['secrets-sync'],
    ['modal-deploy', 'smoke', 'probe'],
    ['drift-report'],
  ],
  main: [['promotion'], ['since'], ['acceptance'], ['secrets-sync'], ['modal-deploy', 'smoke', 'probe'], ['drift-report']],
  nightly: [['pin --reproduce']],
};
