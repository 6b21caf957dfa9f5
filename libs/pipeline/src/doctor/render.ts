import { DOCTOR_GROUPS, plainLine, type DoctorCheck, type DoctorReport, type ModalProofs } from '@pinlane/contracts';

const TITLES = {
  machine: 'This machine',
  workspace: 'This workspace',
  building: 'Building',
  running: 'Running images',
  registry: 'Registries',
  modal: 'Modal',
  secrets: 'Secrets',
} as const satisfies Record<(typeof DOCTOR_GROUPS)[number], string>;

/** What the lane needs and has not stands out from what it can do without. */
const stateOf = ({ state, needed }: DoctorCheck): string => (needed && state !== 'ok' ? state.toUpperCase() : state);

const STATE_WIDTH = 'disproven'.length;

const row = (state: string, name: string, width: number, message: string): string => `  ${state.padEnd(STATE_WIDTH)} ${name.padEnd(width)}  ${message}`;

const placeOf = ({ file, line, column }: DoctorCheck): string =>
  file === undefined ? '' : `${[file, line, column].filter((part) => part !== undefined).join(':')}: `;

const linesOf = (check: DoctorCheck, width: number): string[] => {
  const { state, name, needed, purpose, message, fix } = check;
  const more = (label: string, text: string): string => `  ${' '.repeat(STATE_WIDTH)} ${' '.repeat(width)}  ${label}: ${plainLine(text)}`;
  return [
    row(stateOf(check), plainLine(name), width, plainLine(`${placeOf(check)}${message}`)),
    ...(state === 'ok' ? [] : [more(needed ? 'needed' : 'without it', purpose), ...(fix === null ? [] : [more('fix', fix)])]),
  ];
};

const widthOf = (names: readonly string[]): number => Math.min(48, Math.max(0, ...names.map(({ length }) => length)));

const groupLines = (checks: readonly DoctorCheck[]): string[] => {
  const width = widthOf(checks.map(({ name }) => name));
  return DOCTOR_GROUPS.flatMap((group) => {
    const own = checks.filter((check) => check.group === group);
    return own.length === 0 ? [] : ['', TITLES[group], ...own.flatMap((check) => linesOf(check, width))];
  });
};

const proofLines = ({ environment, ref, proofs, left }: ModalProofs): string[] => {
  const width = widthOf(proofs.map(({ claim }) => claim));
  const names = { proven: 'proven', disproven: 'DISPROVEN', unknown: 'not told' };
  return [
    '',
    `Proven on Modal, in environment ${environment}${ref === null ? '' : `, with ${ref}`}`,
    ...proofs.flatMap(({ claim, says, outcome, message }) => [
      row(names[outcome], claim, width, says),
      `  ${' '.repeat(STATE_WIDTH)} ${' '.repeat(width)}  seen: ${plainLine(message)}`,
    ]),
    ...left.map((name) => `  LEFT      ${plainLine(name)} could not be removed`),
  ];
};

const count = (many: number, what: string): string => `${many} ${what}`;

const summaryOf = ({ lane, checks, verdict }: DoctorReport): string => {
  const needed = checks.filter((check) => check.needed);
  const missing = needed.filter(({ state }) => state === 'missing').map(({ name }) => name);
  const unknown = needed.filter(({ state }) => state === 'unknown').map(({ name }) => name);
  const optional = checks.filter((check) => !check.needed && check.state !== 'ok').length;
  const said = {
    good: `lane ${lane} has everything that it needs`,
    lacking: missing.length > 0 ? `lane ${lane} lacks ${missing.join(', ')}` : 'something that was taken for granted was disproven',
    unknown: unknown.length > 0 ? `lane ${lane}: it could not be told of ${unknown.join(', ')}` : 'not everything could be told',
  }[verdict];
  const rest = verdict === 'lacking' && unknown.length > 0 ? `; it could not be told of ${unknown.join(', ')}` : '';
  return plainLine(`${said}${rest} (${count(checks.filter(({ state }) => state === 'ok').length, 'ok')}, ${count(optional, 'optional lacking')})`);
};

/** A doctor's report for people: a table for each group, what lacks with its remedy, and one line that sums it up. */
export const renderDoctor = (report: DoctorReport): string[] => {
  const { machine, versions, settings, proxies, modal } = report;
  const system = `${machine.distribution ?? `${machine.os} ${machine.release}`}, ${machine.architecture}, ${machine.cpus} processors`;
  return [
    plainLine(`Pinlane ${versions.pinlane ?? '?'} on Node ${versions.node}, Nx ${versions.nx ?? '(none)'}; ${system}`),
    ...(settings.length === 0 ? [] : [plainLine(`settings: ${settings.map(({ name, value, from }) => `${name}=${value ?? '?'} (${from})`).join(', ')}`)]),
    ...(proxies.length === 0 ? [] : [`proxies: ${proxies.join(', ')}`]),
    ...groupLines(report.checks),
    ...(modal === null ? [] : proofLines(modal)),
    '',
    summaryOf(report),
  ];
};
