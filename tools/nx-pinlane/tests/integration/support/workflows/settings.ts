import type { Lane } from '@pinlane/contracts';

/** Where the workflow of a lane is, and what sets it off. */
export const LANE_WORKFLOWS = {
  pr: { file: '.github/workflows/pr-tests.yml', event: 'pull_request', branches: ['dev', 'staging', 'main'] },
  dev: { file: '.github/workflows/dev-tests.yml', event: 'push', branches: ['dev'] },
  staging: { file: '.github/workflows/staging-pipeline.yml', event: 'push', branches: ['staging'] },
  main: { file: '.github/workflows/main-pipeline.yml', event: 'push', branches: ['main'] },
} as const satisfies Partial<Record<Lane, { readonly file: string; readonly event: string; readonly branches: readonly string[] }>>;

/** A lane that a workflow is of. */
export type WorkflowLane = keyof typeof LANE_WORKFLOWS;
export const WORKFLOW_LANES = Object.keys(LANE_WORKFLOWS) as WorkflowLane[];

/** The environment of GitHub that holds the secrets of a lane. */
export const ENVIRONMENTS: Readonly<Partial<Record<WorkflowLane, string>>> = { staging: 'staging', main: 'production' };

/** The variables of the repository that workflows read, and what each is for. */
export const VARIABLES = {
  STAGING_PIPELINE: '`off` stops the pipeline of staging before it builds.',
  STAGING_DEPLOY: '`off` stops it before it deploys: images are built, pinned and accepted.',
  MAIN_PIPELINE: '`off` stops the pipeline of main before it begins.',
  MAIN_DEPLOY: '`off` stops it before it deploys.',
  PINLANE_ENGINE: 'What builds images: `embedded` where unset, `docker`, or `auto`.',
  PINLANE_REGISTRY: 'Another registry than ghcr.io, with a path prefix; runners are then logged in to it by other means.',
  PINLANE_INSECURE_REGISTRY: 'Hosts of registries that are spoken to by plain HTTP.',
  PINLANE_RUNTIME: 'What runs an image under test; the best that is there where unset.',
  PINLANE_ADAPTER: 'Where images are deployed; what registry.yaml says, else Modal, where unset.',
  PINLANE_MODAL_REGISTRY_SECRET: 'The Modal secret with the login of a private registry; images are public where unset.',
} as const;

/** The login of Modal, which every lane that deploys needs. */
export const MODAL_SECRETS = ['MODAL_TOKEN_ID', 'MODAL_TOKEN_SECRET'] as const;

/** The targets that each lane must run, one entry after the other; those of one entry in any order. */
export const REQUIRED: Readonly<Record<WorkflowLane, readonly (readonly string[])[]>> = {
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
};
