import { describe, expect, it } from '@jest/globals';
import { buildFailure, cacheFailures, lineSplitter, progressLine } from '../../../src/docker/output.ts';

const FAILED = `#12 [linux/amd64 3/4] RUN echo out; false
#12 0.302 some output
#12 ERROR: process "/bin/sh -c echo out; false" did not complete successfully: exit code: 1
------
 > [linux/arm64 3/4] RUN echo out; false:
------
------
 > [linux/amd64 3/4] RUN echo out; false:
0.302 some output
0.310 hunter2-canary
------
Dockerfile.bad:5
--------------------
   4 |     COPY a.txt ./
   5 | >>> RUN echo out; false
--------------------
ERROR: failed to solve: process "/bin/sh -c echo out; false" did not complete successfully: exit code: 1
`;
const hide = (text: string) => text.replaceAll('hunter2-canary', '[redacted]');

describe('what a failed build said', () => {
  it('becomes a problem with the line of the Dockerfile and the end of what the step wrote', () => {
    expect(buildFailure(FAILED, 'processors/x/Dockerfile', hide)).toEqual({
      code: 'ERR_BUILD_FAILED',
      message: 'process "/bin/sh -c echo out; false" did not complete successfully: exit code: 1\n  some output\n  [redacted]',
      file: 'processors/x/Dockerfile',
      line: 5,
    });
  });

  it('is shown without the words that only BuildKit understands', () => {
    const text =
      'Dockerfile:2\n--------------------\n--------------------\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref i18::p97: "/nothing.txt": not found\n';
    expect(buildFailure(text, 'Dockerfile', hide)).toMatchObject({ message: 'failed to calculate checksum: "/nothing.txt": not found', line: 2 });
  });

  it.each([
    'ERROR: invalid host bad\n',
    `invalid argument "nofile=x" for "--ulimit" flag: strconv.ParseInt: parsing "x": invalid syntax\nSee 'docker buildx build --help'.\n`,
    'ERROR: invalid annotation "foo", expected key=value\n',
    'ERROR: invalid context value: foo, expected key=value\n',
    'ERROR: invalid value nonsense\n',
    'ERROR: failed to get build context ctx: stat /nope: no such file or directory\n',
    '#7 [3/3] COPY app/ ./\n#7 DONE 0.0s\nERROR: failed to solve: invalid mode "weird"\n',
  ])('is about an option where one was refused: %j', (text) => {
    const { code, message } = buildFailure(text, 'Dockerfile', hide);
    expect(code).toBe('ERR_OPTION_INVALID');
    expect(message).toMatch(/^docker buildx build: (?:invalid|failed to get build context)/);
  });

  it('is about an option where an entitlement is asked for that there is not', () => {
    expect(buildFailure('ERROR: unknown entitlement foo\n', 'Dockerfile', hide)).toEqual({
      code: 'ERR_OPTION_INVALID',
      message: 'docker buildx build: unknown entitlement foo',
    });
  });

  it('tells how a foreign platform is made to run', () => {
    expect(buildFailure('ERROR: failed to solve: exec /bin/sh: exec format error\n', 'Dockerfile', hide).fix).toContain('QEMU');
  });

  it('tells what to do where a Docker of another machine was to read the store of this one', () => {
    const text = `ERROR: failed to solve: failed to do request: Head "http://127.0.0.1:4/v2/": dial tcp 127.0.0.1:4: connection refused\n`;
    expect(buildFailure(text.replace('failed to do', `127.0.0.1:4/pinlane-store@sha256:1: failed to do`), 'Dockerfile', hide).fix).toContain('--builder');
    expect(buildFailure(text, 'Dockerfile', hide).fix).not.toContain('--builder');
  });

  it('is shown as it is where it is nothing that is known', () => {
    expect(buildFailure('Segmentation fault\n', 'Dockerfile', hide)).toEqual({ code: 'ERR_BUILD_FAILED', message: 'Segmentation fault' });
    expect(buildFailure('', 'Dockerfile', hide).message).toContain('said nothing');
  });
});

describe('what a good build said', () => {
  it('tells of a cache that was not exported, and of nothing else', () => {
    const none = { exported: null, imported: null };
    expect(cacheFailures('#16 exporting cache to registry\n#16 preparing build cache for export\n#16 ERROR: denied\n')).toEqual({
      ...none,
      exported: 'denied',
    });
    expect(cacheFailures('#15 importing cache manifest from r/c\n#16 exporting cache to registry\n#16 DONE 0.1s\n')).toEqual(none);
    expect(cacheFailures('#9 [1/2] RUN x\n#9 ERROR: other\n')).toEqual(none);
  });

  it('tells a cache that was not there from one that could not be written', () => {
    const first = '#5 importing cache manifest from r/c\n#5 ERROR: r/c: not found\n#16 exporting cache to registry\n#16 DONE 0.1s\n';
    expect(cacheFailures(first)).toEqual({ exported: null, imported: 'r/c: not found' });
  });

  it('is shown step by step, without what only fills the screen', () => {
    const shown = ['#5 [2/4] COPY a ./', '#5 DONE 0.0s', '#5 CACHED', '', '#6 0.302 some output', '#7 sha256:aa 1MB / 2MB'].map(progressLine);
    expect(shown).toEqual(['[2/4] COPY a ./', null, null, null, '0.302 some output', null]);
  });

  it('is cut into lines wherever the pieces break', () => {
    const lines: string[] = [];
    const feed = lineSplitter((line) => lines.push(line));
    for (const piece of ['a', 'b\nc', '\r\n', 'd']) feed(piece);
    expect(lines).toEqual(['ab', 'c']);
  });
});
