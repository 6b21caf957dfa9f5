import type { DoctorCheck, DoctorReport, ModalProofs } from '@pinlane/contracts';

/** Whether a lane has all that it needs. What lacks is told whatever else is not known: nothing that is found out later mends it. */
export const doctorVerdict = (checks: readonly DoctorCheck[], modal: ModalProofs | null): DoctorReport['verdict'] => {
  const needed = checks.filter((check) => check.needed);
  const proofs = modal?.proofs ?? [];
  if (needed.some(({ state }) => state === 'missing') || proofs.some(({ outcome }) => outcome === 'disproven')) return 'lacking';
  if (needed.some(({ state }) => state === 'unknown') || proofs.some(({ outcome }) => outcome === 'unknown')) return 'unknown';
  return (modal?.left.length ?? 0) > 0 ? 'unknown' : 'good';
};
