import { existsSync } from 'node:fs';

/** The part of Node's report that its types do not know yet. */
interface NodeReport {
  excludeNetwork: boolean;
  getReport(): { readonly sharedObjects: readonly string[] };
}

let known: readonly string[] | undefined;

/**
 * The files that this very Node consists of, by absolute path: its binary, the libraries that it has loaded, and the cache by which they are found. Node's
 * own report lists them. Mounted at the same paths, they run in any root.
 */
export const ownNodeFiles = (): readonly string[] => {
  if (known !== undefined) return known;
  const report = process.report as unknown as NodeReport;
  // Otherwise the report looks up the name of every address of this machine.
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  const { sharedObjects } = report.getReport();
  report.excludeNetwork = before;
  const files = [process.execPath, ...sharedObjects, '/etc/ld.so.cache'].filter((file) => file.startsWith('/') && existsSync(file));
  return (known = [...new Set(files)]);
};
