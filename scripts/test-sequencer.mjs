// The order of the suites: those that are known to take longest come first, so that none of them is begun when the others are over. Jest keeps the times of
// earlier runs, which a fresh clone does not have.
import Sequencer from '@jest/test-sequencer';

/** Slowest first. */
const SLOW = [
  'libs/conformance/tests/contracts/rules',
  'tools/nx-pinlane/tests/integration/lanes',
  'libs/oci/tests/integration/assemble-buildx',
  'tools/nx-pinlane/tests/integration/killed-push',
  'libs/adapters/tests/integration/runtimes',
  'libs/conformance/tests/integration/isolated',
  'libs/oci/tests/integration/registry/faults',
];

const placeOf = ({ path }) => {
  const place = SLOW.findIndex((suite) => path.endsWith(`/${suite}.spec.ts`));
  return place === -1 ? SLOW.length : place;
};

export default class SlowestFirst extends Sequencer {
  sort(tests) {
    // The sort is stable: behind the known ones stays the order of Jest, by time if it has one, else by size.
    return [...super.sort(tests)].sort((a, b) => placeOf(a) - placeOf(b));
  }
}
