// Written by `npm run generate` from the definitions of the verbs, for those that must not load them.
import type { VerbSummary } from '../command/verb.ts';
import type { VerbName } from './index.ts';

/** Every verb in short. */
export const MANIFEST: Readonly<Record<VerbName, VerbSummary>> = {
  bundle: { title: 'Bundles a processor into one file.', subject: 'processor', alias: null, keyVariables: [], target: {} },
  buildx: {
    title: "Builds a processor's image for every platform and keeps it in the local store, or pushes it.",
    subject: 'processor',
    alias: null,
    keyVariables: ['PINLANE_LANE', 'PINLANE_ENGINE', 'PINLANE_PLATFORMS', 'PINLANE_PUSH', 'PINLANE_REGISTRY', 'PINLANE_BASE_IMAGE'],
    target: { dependsOn: ['^buildx'], configurations: { pinned: { skip: true } }, example: { platforms: 'linux/arm64' } },
  },
  pin: {
    title: "Writes the digests of a processor's image into its registry.yaml, after verifying the bytes.",
    subject: 'processor',
    alias: null,
    keyVariables: ['PINLANE_LANE', 'PINLANE_ENGINE', 'PINLANE_PLATFORMS', 'PINLANE_PUSH', 'PINLANE_REGISTRY', 'PINLANE_BASE_IMAGE'],
    target: { dependsOn: ['^buildx'], example: { check: true } },
  },
  acceptance: {
    title: "Runs a processor's image in isolation and holds it to the processor contract and to its own cases.",
    subject: 'processor',
    alias: null,
    keyVariables: ['PINLANE_LANE', 'PINLANE_ENGINE', 'PINLANE_PLATFORMS', 'PINLANE_PUSH', 'PINLANE_REGISTRY', 'PINLANE_BASE_IMAGE'],
    target: { dependsOn: ['buildx'], configurations: { pinned: { pinned: true } } },
  },
  'modal-deploy': {
    title: "Deploys a processor's pinned image by its digest, and proves that it is configured and serves.",
    subject: 'processor',
    alias: 'deploy',
    keyVariables: ['PINLANE_LANE'],
    target: { dependsOn: ['pin', 'acceptance'], example: { adapter: 'local' } },
  },
  smoke: {
    title: 'Runs a deployed processor in mode mock through its address, and checks what can be seen from there.',
    subject: 'processor',
    alias: null,
    keyVariables: ['PINLANE_LANE'],
    target: { dependsOn: ['modal-deploy'] },
  },
  rollback: {
    title: 'Deploys the image of an earlier pin by its digest, after the checks of every deployment.',
    subject: 'processor',
    alias: null,
    keyVariables: ['PINLANE_LANE'],
    target: { example: { lane: 'staging', to: 'HEAD~3' } },
  },
  probe: {
    title: 'Proves that a deployed processor refuses what it must refuse: no secrets, a wrong digest, no credentials.',
    subject: 'processor',
    alias: null,
    keyVariables: ['PINLANE_LANE'],
    target: { dependsOn: ['modal-deploy'] },
  },
  'secrets-sync': {
    title: "Stores a processor's secrets with the hosting platform, from the environment.",
    subject: 'processor',
    alias: null,
    keyVariables: ['PINLANE_LANE'],
    target: { example: { lane: 'staging', check: true } },
  },
  base: {
    title: 'Assembles the base image from its lock, for every platform.',
    subject: 'base',
    alias: null,
    keyVariables: ['PINLANE_LANE', 'PINLANE_BASE_IMAGE'],
    target: null,
  },
  'base-update': {
    title: "Resolves the base's packages anew, writes its lock and prints what changed.",
    subject: 'base',
    alias: null,
    keyVariables: [],
    target: null,
  },
  'base-pin': {
    title: 'Sees to it that a base is in its registry, and writes into base.yaml where, after verifying it.',
    subject: 'base',
    alias: null,
    keyVariables: ['PINLANE_LANE', 'PINLANE_ENGINE', 'PINLANE_PLATFORMS', 'PINLANE_PUSH', 'PINLANE_REGISTRY', 'PINLANE_BASE_IMAGE'],
    target: null,
  },
  'verify-pins': {
    title: 'Looks at every pin of the workspace: it is there whole, its bytes have the digest, and it is for the platform it is pinned for.',
    subject: 'workspace',
    alias: null,
    keyVariables: ['PINLANE_LANE'],
    target: {},
  },
  'store-gc': {
    title: 'Frees disk space: removes from the local store what no registry.yaml pins, no build record names and no name in the store reaches.',
    subject: 'workspace',
    alias: 'gc',
    keyVariables: [],
    target: { example: { dryRun: true } },
  },
  'store-serve': {
    title: 'Serves the local store as a registry, for Docker and any other client, until it is stopped.',
    subject: 'workspace',
    alias: 'serve',
    keyVariables: [],
    target: { continuous: true, example: { port: 5055 } },
  },
};
