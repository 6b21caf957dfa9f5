import * as fc from 'fast-check';

const HEX = [...'0123456789abcdef'];

/** Digests: `sha256:` and 64 hexadecimal digits. */
export const digests = (): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...HEX), { minLength: 64, maxLength: 64 }).map((digits) => `sha256:${digits.join('')}`);

/** Full git commits. */
export const revisions = (): fc.Arbitrary<string> => fc.array(fc.constantFrom(...HEX), { minLength: 40, maxLength: 40 }).map((digits) => digits.join(''));

const word = () => fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);

/** Refs: `namespace/name@major`. */
export const refs = (): fc.Arbitrary<string> =>
  fc.tuple(word(), word(), fc.integer({ min: 1, max: 99 })).map(([space, name, major]) => `${space}/${name}@${major}`);

/** The ways in which people write a registry.yaml. */
interface Style {
  readonly eol: string;
  readonly indent: number;
  readonly quote: '' | "'" | '"';
  readonly bom: boolean;
  readonly lastNewline: boolean;
  readonly flowPlatforms: boolean;
  readonly comments: readonly string[];
}

const styles = (): fc.Arbitrary<Style> =>
  fc.record({
    eol: fc.constantFrom('\n', '\r\n'),
    indent: fc.constantFrom(2, 3, 4),
    quote: fc.constantFrom('', "'", '"'),
    bom: fc.boolean(),
    lastNewline: fc.boolean(),
    flowPlatforms: fc.boolean(),
    comments: fc.array(fc.stringMatching(/^[A-Za-z0-9 :#{}[\]'"@/é,-]{0,40}$/), { minLength: 8, maxLength: 8 }),
  });

/** Whether a text has a key already: not at all, without a value, with null, or with a value. */
type State = 'absent' | 'empty' | 'null' | 'present';
const states = (): fc.Arbitrary<State> => fc.constantFrom('absent', 'empty', 'null', 'present');

/** What a text says, besides how it is written. */
interface Said {
  readonly digest: string;
  readonly image: State;
  readonly amd64: State;
  readonly arm64: State;
  readonly index: State;
  readonly source: State;
}

const indented = ({ indent }: Style, depth: number, text: string): string => `${' '.repeat(depth * indent)}${text}`;
const comment = ({ comments }: Style, at: number): string => `# ${comments[at]}`;
const pinOf = ({ quote }: Style, digest: string): string => `${quote}ghcr.io/some/image@${digest}${quote}`;

/** A key and its value on one line; no line if the key is absent. */
const entry = (key: string, state: State, value: string): string[] => {
  const shown: Record<State, string[]> = { absent: [], empty: [`${key}:`], null: [`${key}: ~`], present: [`${key}: ${value}`] };
  return shown[state];
};

const platformLines = (style: Style, { digest, amd64, arm64 }: Said): string[] => {
  const platforms = [...entry('amd64', amd64, pinOf(style, digest)), ...entry('arm64', arm64, pinOf(style, digest))];
  if (style.flowPlatforms && amd64 !== 'empty' && arm64 !== 'empty')
    return [indented(style, 1, `platforms: { ${platforms.join(', ')} }  ${comment(style, 1)}`)];
  const lines = platforms.flatMap((line) => [indented(style, 2, comment(style, 2)), indented(style, 2, `${line}  ${comment(style, 3)}`)]);
  return [indented(style, 1, `platforms:  ${comment(style, 1)}`), ...lines];
};

const sourceLines = (style: Style, { digest, source }: Said): string[] => {
  if (source === 'present') return [indented(style, 1, 'source:'), indented(style, 2, `fingerprint: ${digest}`)];
  return entry('source', source, '').map((line) => indented(style, 1, line));
};

const imageLines = (style: Style, said: Said): string[] => {
  const wholly = [
    `image: ${comment(style, 4)}`,
    indented(style, 1, 'repository: ghcr.io/some/image'),
    ...platformLines(style, said),
    ...entry('index', said.index, pinOf(style, said.digest)).map((line) => indented(style, 1, line)),
    ...sourceLines(style, said),
  ];
  const lines: Record<State, string[]> = {
    absent: [],
    empty: ['image:', indented(style, 1, comment(style, 4))],
    null: [`image: null ${comment(style, 4)}`],
    present: wholly,
  };
  return lines[said.image];
};

/** Texts of valid registry.yaml files in many styles, with all pins, with some, or with none. */
export const specTexts = (): fc.Arbitrary<string> =>
  fc
    .record({
      style: styles(),
      ref: refs(),
      digest: digests(),
      image: states(),
      amd64: states(),
      arm64: states(),
      index: states(),
      source: states(),
      runtimeFirst: fc.boolean(),
    })
    .map(({ style, ref, runtimeFirst, ...said }) => {
      const runtime = [`runtime: { cpu: 2 } ${comment(style, 5)}`, '', comment(style, 6)];
      const sections = [runtime, imageLines(style, said)];
      const outputs = ['outputs:', '- path: a.txt', '  mime: text/plain', comment(style, 7)];
      const lines = [comment(style, 0), `ref: ${ref}`, ...(runtimeFirst ? sections : sections.reverse()).flat(), ...outputs];
      return `${style.bom ? '\uFEFF' : ''}${lines.join(style.eol)}${style.lastNewline ? style.eol : ''}`;
    });
