// The order of the suites: those that are known to take longest come first, so that none of them is begun when the others are over. Jest keeps the times of
// earlier runs, which a fresh clone does not have.
import Sequencer from '@jest/test-sequencer';

/** Slowest first. */
const SLOW = [
  'tools/nx-pinlane/tests/integration/rehearse',
  'tools/stack/tests/integration/stack',
  'tools/nx-pinlane/tests/integration/pipeline-faults',
  'tools/nx-pinlane/tests/integration/modal-pipeline',
  'libs/conformance/tests/contracts/rules',
  'tools/nx-pinlane/tests/integration/lanes',
  'libs/adapters/tests/integration/modal/deploy',
  'libs/oci/tests/integration/assemble-buildx',
  'libs/conformance/tests/integration/hostile',
  'libs/adapters/tests/integration/docker/engine',
  'tools/nx-pinlane/tests/integration/killed-push',
  'libs/oci/tests/integration/hostile-sizes',
  'libs/testing/tests/integration/modal-stand-in',
  'tools/nx-pinlane/tests/integration/doctor-modal',
  'libs/adapters/tests/integration/runtimes',
  'tools/nx-pinlane/tests/integration/commit-pins',
  'tools/nx-pinlane/tests/integration/modal-drift',
  'libs/base-node/tests/integration/build',
  'libs/adapters/tests/integration/docker-runtime',
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
