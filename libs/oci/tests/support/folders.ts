import { temporaryFolder } from '@pinlane/testing';

/** What makes temporary folders for the tests of a file. */
export const temporaryFolders = (): (() => Promise<string>) => async () => temporaryFolder('oci');
