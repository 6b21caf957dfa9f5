type Describe = ((name: string, tests: () => void) => void) & { readonly skip: (name: string, tests: () => void) => void };

/** Whether PINLANE_REQUIRE lists a part. If it does, its absence must fail a test run instead of skipping tests. */
export const isRequired = (part: string): boolean => (process.env['PINLANE_REQUIRE'] ?? '').split(',').some((name) => name.trim() === part);

/**
 * Chooses how a suite that needs a real part is declared. If the part is there, that is `describe`. If it is missing, the suite is skipped
 * under a title that names the part; the test command gathers these in its closing line.
 * @param missing why the part is not available, as {@link lackOf} tells; null if it is
 * @throws Error if the part is missing and PINLANE_REQUIRE names it, so that a skip can't pass for a success
 */
export const requirement = (part: string, missing: string | null, describe: Describe): ((name: string, tests: () => void) => void) => {
  if (missing === null) return describe;
  if (isRequired(part)) throw new Error(`PINLANE_REQUIRE names ${part}, and it is not available: ${missing}`);
  return (name, tests) => describe.skip(`requires ${part}: ${name}`, tests);
};
