/** What every kind of test shares: ES modules as they are, TypeScript by swc, the workspace's packages from source. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
  },
  testEnvironmentOptions: { customExportConditions: ['@pinlane/source', 'node'] },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/.pinlane/', '<rootDir>/.nx/'],
};
