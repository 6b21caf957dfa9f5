import {
  PIN_NAMES,
  parsePinnedReference,
  pinVerdict,
  shortDigest,
  type Lane,
  type PinAudit,
  type PinAuditEntry,
  type PinFinding,
  type PinName,
  type ProcessorSpec,
} from '@pinlane/contracts';

/** Whether a finding is a verdict on a pin, rather than a failure to look at it. */
export const isVerdictOnPin = ({ code }: Pick<PinFinding, 'code'>): boolean => pinVerdict(code) !== null;

/** The outcome for the pins of one file. @param pins how many there are */
export const outcomeOf = (findings: readonly PinFinding[], pins: number): PinAuditEntry['outcome'] => {
  if (findings.some((finding) => !isVerdictOnPin(finding))) return 'unknown';
  if (findings.length > 0) return 'bad';
  return pins === 0 ? 'unpinned' : 'good';
};

/** All pins of a spec by name, as they are written. */
export const namedPins = ({ image }: ProcessorSpec): PinAuditEntry['pins'] => {
  const pinOf = (name: PinName): string | null | undefined => (name === 'index' ? image?.index : image?.platforms?.[name]);
  return Object.fromEntries(PIN_NAMES.map((name) => [name, pinOf(name)]).filter(([, pin]) => pin != null));
};

/** The audit of many files. If a pin could not be looked at, the verdict is `unknown` even if others are bad, because more may be. */
export const pinAudit = (lane: Lane, entries: readonly PinAuditEntry[]): PinAudit => ({
  kind: 'PinAudit',
  schemaVersion: 1,
  lane,
  verdict: entries.some(({ outcome }) => outcome === 'unknown') ? 'unknown' : entries.some(({ outcome }) => outcome === 'bad') ? 'bad' : 'good',
  pins: entries.reduce((sum, { pins }) => sum + Object.keys(pins).length, 0),
  entries: [...entries],
});

const named = ({ pin, code, message }: PinFinding): string => `  - ${pin === null ? '' : `${pin}: `}${code}: ${message}`;

/** The longest name of a pin. */
const WIDTH = Math.max(...PIN_NAMES.map(({ length }) => length));

const lines = (entry: PinAuditEntry): string[] => [
  `${entry.ref ?? '?'}  ${entry.outcome}  (${entry.file})`,
  ...PIN_NAMES.flatMap((name) => {
    const pin = entry.pins[name];
    return pin === undefined || entry.findings.length === 0 ? [] : [`  ${name.padEnd(WIDTH)}  ${shortDigest(parsePinnedReference(pin).digest)}  ${pin}`];
  }),
  ...entry.findings.map(named),
  ...entry.remarks.map((remark) => `  remark: ${remark}`),
];

/** An audit for people: every file with findings or remarks, and one line that counts all of them. */
export const renderPinAudit = ({ verdict, pins, entries }: PinAudit): string => {
  const count = (outcome: PinAuditEntry['outcome']): number => entries.filter((entry) => entry.outcome === outcome).length;
  const outcomes = (['good', 'bad', 'unknown', 'unpinned'] as const).filter((outcome) => count(outcome) > 0).map((outcome) => `${count(outcome)} ${outcome}`);
  const notable = entries.filter(({ findings, remarks }) => findings.length > 0 || remarks.length > 0);
  const VERDICT = {
    good: 'every pin is there and is what it is pinned for',
    bad: 'not every pin is what it should be',
    unknown: 'not every pin could be looked at',
  };
  return [...notable.flatMap(lines), `${VERDICT[verdict]}: ${pins} pins of ${entries.length} processors (${outcomes.join(', ') || 'none'})`].join('\n');
};
