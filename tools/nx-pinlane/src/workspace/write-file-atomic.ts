// A module of its own, for inference to load it alone.
export { writeFileAtomic } from '@pinlane/oci';
