import { describe, expect, it } from '@jest/globals';
import { problemsOf } from '@pinlane/testing';
import { parseDockerfile, requireEmbeddable } from '../../src/index.ts';

const parse = (text: string) => parseDockerfile(text, 'Dockerfile');
const only = (text: string) => parse(`FROM scratch\n${text}\n`).stages[0]!.instructions[0]!;
const refusals = (text: string) => problemsOf(() => parse(text));
const unsupported = (text: string, target?: string) => problemsOf(() => requireEmbeddable(parse(text), {}, ['linux/amd64'], target));

describe('parseDockerfile', () => {
  it('splits a file into stages with names and lines', () => {
    const { stages, globals } = parse(
      'ARG V=1\n\n# a comment\nFROM --platform=$BUILDPLATFORM node:$V AS Build\nCOPY a b\nFROM scratch\n  copy --from=build /a /b\n',
    );
    expect(globals.map(({ entries }) => entries)).toEqual([[{ name: 'V', value: '1' }]]);
    expect(stages).toMatchObject([
      { index: 0, name: 'build', image: 'node:$V', platform: '$BUILDPLATFORM', line: 4, column: 1 },
      { index: 1, name: undefined, image: 'scratch', platform: undefined, line: 6 },
    ]);
    expect(stages[1]!.instructions).toMatchObject([{ kind: 'copy', from: 'build', sources: ['/a'], destination: '/b', line: 7, column: 3 }]);
  });

  it('joins continuation lines, leaving out comments and empty lines between them', () => {
    expect(only('COPY a \\\n  # not a source\n\n  b \\\n  /c/')).toMatchObject({ sources: ['a', 'b'], destination: '/c/' });
    expect(only('ENV A="x y" \\  \n  B=c')).toMatchObject({
      pairs: [
        { name: 'A', value: '"x y"' },
        { name: 'B', value: 'c' },
      ],
    });
  });

  it('obeys the directive that changes the escape character', () => {
    const { stages, escape } = parse('# escape=`\nFROM scratch\nCOPY a `\n  b\\ c/\n');
    expect(escape).toBe('`');
    expect(stages[0]!.instructions[0]).toMatchObject({ sources: ['a', 'b\\'], destination: 'c/' });
  });

  it('takes CRLF and a byte order mark as Docker does', () => {
    expect(parse('\uFEFFFROM scratch\r\nCOPY a \\\r\n b\r\n').stages[0]!.instructions).toMatchObject([{ sources: ['a'], destination: 'b' }]);
  });

  it('tells the JSON form from the shell form, taking broken JSON for the shell form as Docker does', () => {
    expect(only('ENTRYPOINT ["node", "/app/main.js"]')).toMatchObject({ command: { form: 'exec', argv: ['node', '/app/main.js'] } });
    expect(only('ENTRYPOINT node /app/main.js')).toMatchObject({ command: { form: 'shell', line: 'node /app/main.js' } });
    expect(only("CMD ['node']")).toMatchObject({ command: { form: 'shell', line: "['node']" } });
    expect(only('CMD []')).toMatchObject({ command: { form: 'exec', argv: [] } });
    expect(only('COPY ["a b", "/c d/"]')).toMatchObject({ sources: ['a b'], destination: '/c d/' });
  });

  it('reads both forms of ENV and LABEL', () => {
    expect(only('ENV A one two')).toMatchObject({ pairs: [{ name: 'A', value: 'one two' }] });
    expect(only('LABEL "a.b"="c d" e=\'f g\' h=i\\ j')).toMatchObject({
      pairs: [
        { name: '"a.b"', value: '"c d"' },
        { name: 'e', value: "'f g'" },
        { name: 'h', value: 'i\\ j' },
      ],
    });
  });

  it('reads a health check with its times in nanoseconds', () => {
    expect(only('HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD ["curl", "x"]')).toMatchObject({
      check: { command: { argv: ['curl', 'x'] }, times: { Interval: 90e9, Timeout: 5e8, Retries: 3 } },
    });
    expect(only('HEALTHCHECK NONE')).toMatchObject({ check: 'none' });
  });

  it('names every bad line with its place and code', async () => {
    const text =
      'FROM scratch\nCOPPY a b\nCOPY a\n  ENV A\nFROM\nSHELL /bin/sh\nHEALTHCHECK --interval=soon CMD x\nCOPY --frm=x a b\nUSER\nLABEL a=b c\nARG =2\nENV =x\n';
    expect((await refusals(text)).map(({ code, line, column, file }) => [code, file, line, column])).toEqual(
      [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((line) => ['ERR_DOCKERFILE_SYNTAX', 'Dockerfile', line, line === 4 ? 3 : 1]),
    );
  });

  it.each([
    ['an empty file', ''],
    ['a file of comments', '# nothing\n'],
    ['an instruction before FROM', 'COPY a b\nFROM scratch\n'],
    ['a NUL character', 'FROM scratch\nCOPY a\0 b\n'],
    ['a file that is too large', `FROM scratch\n#${'x'.repeat(1024 * 1024)}`],
    ['a flag that is given twice', 'FROM scratch\nCOPY --chown=1 --chown=2 a b\n'],
    ['a flag without its value', 'FROM scratch\nCOPY --from a b\n'],
    ['a stage name that is none', 'FROM scratch AS 1st\n'],
    ['FROM with too many words', 'FROM scratch AS a b\n'],
    ['HEALTHCHECK NONE with a command', 'FROM scratch\nHEALTHCHECK NONE x\n'],
    ['a number in the JSON form of CMD', 'FROM scratch\nCMD ["sleep", 10]\n'],
    ['a number in the JSON form of ENTRYPOINT', 'FROM scratch\nENTRYPOINT ["sleep", 10]\n'],
    ['a number in the JSON form of HEALTHCHECK', 'FROM scratch\nHEALTHCHECK CMD ["sleep", 10]\n'],
    ['a number in the JSON form of VOLUME', 'FROM scratch\nVOLUME ["/a", 10]\n'],
    ['a number in the JSON form of SHELL', 'FROM scratch\nSHELL ["/bin/sh", 1]\n'],
    ['a number in the JSON form of RUN', 'FROM scratch\nRUN ["sleep", 10]\n'],
    ['a number in the JSON form of COPY', 'FROM scratch\nCOPY ["a", 10]\n'],
    ['an object in the JSON form of ADD', 'FROM scratch\nADD ["a", {}]\n'],
    ['a health check that runs nothing', 'FROM scratch\nHEALTHCHECK CMD []\n'],
    ['a volume that is empty', 'FROM scratch\nVOLUME [""]\n'],
    ['an escape character that is none', '# escape=x\nFROM scratch\n'],
    ['a second directive for the escape character', '# escape=`\n# escape=`\nFROM scratch\n'],
    ['a here-document that is not closed', 'FROM scratch\nCOPY <<EOF /x\na\n'],
    ['a line that is too long', `FROM scratch\nENV A=${'x'.repeat(65_536)}\n`],
    ['too many instructions', `FROM scratch\n${'ENV A=1\n'.repeat(2000)}`],
    ['too many sources', `FROM scratch\nCOPY ${'a '.repeat(1001)} /x/\n`],
  ])('refuses %s', async (_, text) => {
    expect((await refusals(text)).map(({ code }) => code)).toEqual(['ERR_DOCKERFILE_SYNTAX']);
  });
});

describe('what a Dockerfile may say', () => {
  it('is anything in the name of an argument but white space and =', () => {
    expect(only('ARG my-arg=1 a.b é=x')).toMatchObject({ entries: [{ name: 'my-arg' }, { name: 'a.b' }, { name: 'é' }] });
  });

  it.each(['\u00a0', '\u202f', '\u3000', '\u2003', '\ufeff'])('has %j in the names of files', (space) => {
    expect(only(`COPY a${space}b c`)).toMatchObject({ sources: [`a${space}b`], destination: 'c' });
    expect(only(`EXPOSE 80${space}81`)).toMatchObject({ values: [`80${space}81`] });
  });

  it('is not continued behind an escape that is escaped', () => {
    expect(parse('FROM scratch\nENV A=1\\\\\nENV B=2\n').stages[0]!.instructions).toHaveLength(2);
    expect(parse('# escape=`\nFROM scratch\nENV A=1``\nENV B=2\n').stages[0]!.instructions).toHaveLength(2);
    expect(parse('# escape=`\nFROM scratch\nENV A=1`\n B=2\\\nENV C=3\n').stages[0]!.instructions).toHaveLength(2);
  });

  it.each([
    ['\r\n', 'a\r\nb\r\n'],
    ['\n', 'a\nb\n'],
    ['\r\r\n', 'a\r\r\nb\r\r\n'],
  ])('keeps %j at the ends of lines of a here-document', (end, text) => {
    expect(only(`COPY <<EOF /x${end}a${end}b${end}EOF${end}`)).toMatchObject({ documents: [{ name: 'EOF', text }] });
  });
});

describe('requireEmbeddable', () => {
  it('refuses all that needs Docker, each with its line and the remedy', async () => {
    const text =
      'FROM scratch\nRUN --mount=type=cache,target=/x echo \\\n  hi\nADD https://example.com/a /a\nADD git@github.com:a/b.git /b\nCOPY --parents a b\nONBUILD COPY a b\n';
    const problems = await unsupported(text);
    expect(problems.map(({ code, line }) => [code, line])).toEqual([2, 4, 5, 6, 7].map((line) => ['ERR_DOCKERFILE_UNSUPPORTED', line]));
    await expect((async () => requireEmbeddable(parse(text), {}, ['linux/amd64']))()).rejects.toThrow(/Dockerfile:2:1: RUN .*\nfix: .*--engine=docker/);
  });

  it('leaves alone a stage that the target does not need', async () => {
    const text = 'FROM scratch AS tools\nRUN make\nFROM scratch AS app\nCOPY a b\nFROM tools\n';
    expect(await unsupported(text, 'app')).toEqual([]);
    expect(await unsupported(text)).toHaveLength(1);
  });

  it('refuses a syntax that is not Docker’s own', async () => {
    expect(await unsupported('# syntax=docker/dockerfile:1.7\nFROM scratch\n')).toEqual([]);
    expect(await unsupported('# syntax=example.com/mine\nFROM scratch\n')).toMatchObject([{ code: 'ERR_DOCKERFILE_UNSUPPORTED', line: 1 }]);
  });
});
