import * as fc from 'fast-check';

const HEX = [...'0123456789abcdef'];

/** Digests: sha256: and 64 hexadecimal digits. */
export const digests = (): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...HEX), { minLength: 64, maxLength: 64 }).map((digits) => `sha256:${digits.join('')}`);

/** Full git commits. */
export const revisions = (): fc.Arbitrary<string> => fc.array(fc.constantFrom(...HEX), { minLength: 40, maxLength: 40 }).map((digits) => digits.join(''));

const word = () => fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);

/** Refs: namespace/name@major. */
export const refs = (): fc.Arbitrary<string> =>
  fc.tuple(word(), word(), fc.integer({ min: 1, max: 99 })).map(([space, name, major]) => `${space}/${name}@${major}`);

/** How a person may have written a registry.yaml. */
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

/** Which of the pins a text has already; `empty` is a key with nothing behind it. */
const states = () => fc.constantFrom('absent', 'empty', 'null', 'present');

const value = (state: string, text: string): string => (state === 'present' ? ` ${text}` : state === 'null' ? ' ~' : '');

/** Texts of valid registry.yaml files in many styles, pinned wholly, in part or not at all. */
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
    .map(({ style, ref, digest, image, amd64, arm64, index, source, runtimeFirst }) => {
      const { quote, comments } = style;
      const pad = (depth: number): string => ' '.repeat(depth * style.indent);
      const pin = `${quote}ghcr.io/some/image@${digest}${quote}`;
      const comment = (at: number): string => `# ${comments[at]}`;
      const platforms = [...(amd64 === 'absent' ? [] : [`amd64:${value(amd64, pin)}`]), ...(arm64 === 'absent' ? [] : [`arm64:${value(arm64, pin)}`])];
      const flow = style.flowPlatforms && amd64 !== 'empty' && arm64 !== 'empty';
      const platformLines = flow
        ? [`${pad(1)}platforms: { ${platforms.join(', ')} }  ${comment(1)}`]
        : [`${pad(1)}platforms:  ${comment(1)}`, ...platforms.flatMap((line) => [`${pad(2)}${comment(2)}`, `${pad(2)}${line}  ${comment(3)}`])];
      const imageLines =
        image === 'absent'
          ? []
          : image === 'empty'
            ? ['image:', `${pad(1)}${comment(4)}`]
            : image === 'null'
              ? [`image: null ${comment(4)}`]
              : [
                  `image: ${comment(4)}`,
                  `${pad(1)}repository: ghcr.io/some/image`,
                  ...platformLines,
                  ...(index === 'absent' ? [] : [`${pad(1)}index:${value(index, pin)}`]),
                  ...(source === 'absent'
                    ? []
                    : source === 'present'
                      ? [`${pad(1)}source:`, `${pad(2)}fingerprint: ${digest}`]
                      : [`${pad(1)}source:${value(source, '')}`]),
                ];
      const runtime = [`runtime: { cpu: 2 } ${comment(5)}`, '', comment(6)];
      const lines = [
        comment(0),
        `ref: ${ref}`,
        ...(runtimeFirst ? [...runtime, ...imageLines] : [...imageLines, ...runtime]),
        'outputs:',
        `- path: a.txt`,
        `${' '.repeat(2)}mime: text/plain`,
        comment(7),
      ];
      return `${style.bom ? '\uFEFF' : ''}${lines.join(style.eol)}${style.lastNewline ? style.eol : ''}`;
    });
