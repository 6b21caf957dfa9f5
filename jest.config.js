import preset from './jest.preset.js';

/** The kinds of test, one folder each: <project>/tests/<kind>/…/*.spec.ts. */
export const kinds = ['unit', 'contracts', 'property', 'integration', 'acceptance', 'smoke'];

export default {
  testSequencer: '<rootDir>/scripts/test-sequencer.mjs',
  // Time is the bench's matter; a busy machine must not fail a test.
  testTimeout: 60_000,
  projects: kinds.map((kind) => ({
    ...preset,
    displayName: kind,
    ...(kind === 'property' ? { setupFilesAfterEnv: ['<rootDir>/scripts/property-setup.mjs'] } : {}),
    ...(kind === 'integration' ? { globalSetup: '<rootDir>/scripts/bundle-plugin.mjs' } : {}),
    rootDir: import.meta.dirname,
    // A processor may lie any number of folders deep, as its project may.
    testMatch: [`<rootDir>/{libs,tools,apps}/*/tests/${kind}/**/*.spec.ts`, `<rootDir>/processors/**/tests/${kind}/**/*.spec.ts`],
  })),
};
