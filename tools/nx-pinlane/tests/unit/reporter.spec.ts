import { describe, expect, it, jest } from '@jest/globals';
import { createReporter } from '../../src/command/reporter.ts';

/** What a reader of one terminal, or of two files, gets. */
const read = (options: {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly ci?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly project?: string;
}) => {
  const { isTTY = false, columns, ci = false, json = false, verbose = false, project = '' } = options;
  const written = { stdout: '', stderr: '', both: '' };
  const into = (name: 'stdout' | 'stderr') => (text: string) => {
    written[name] += text;
    written.both += text;
  };
  const streams = { stdout: { write: into('stdout') }, stderr: { write: into('stderr'), isTTY, ...(columns === undefined ? {} : { columns }) } };
  return { written, reporter: createReporter(streams, { json, ci, verbose, project, verb: 'buildx' }) };
};

const ERASE = '\r\u001b[2K';

describe('what a command says while it works', () => {
  it('is one line on a terminal, which the result takes the place of', () => {
    const { written, reporter } = read({ isTTY: true, columns: 40 });
    reporter.progress('building');
    reporter.progress('x'.repeat(100));
    reporter.finish({ lines: ['built'], document: {} });
    expect(written.both).toBe(`${ERASE}building${ERASE}${'x'.repeat(39)}${ERASE}built\n`);
  });

  it('leaves no line of another task before a result, and is shown whole where the terminal does not tell its width', () => {
    const { written, reporter } = read({ isTTY: true, columns: 0, project: 'acme-one' });
    reporter.note('a note');
    reporter.progress('pushing to registry.example/acme');
    expect(written.both).toBe(`${ERASE}a note\n${ERASE}acme-one: pushing to registry.example/acme`);
  });

  it('is a line of its own where more was asked for, and elsewhere a line for what takes longer than a second, in CI, too', () => {
    for (const [options, expected] of [
      [{ ci: true, isTTY: true }, 'built\n'],
      [{ ci: true, verbose: true }, 'building\nbuilt\n'],
      [{ verbose: true }, 'building\nbuilt\n'],
      [{}, 'built\n'],
    ] as const) {
      const { written, reporter } = read(options);
      reporter.progress('building');
      reporter.finish({ lines: ['built'], document: {} });
      expect(written.both).toBe(expected);
    }
  });

  it('is told once a second has passed where output is kept, by the name of its project, and no more after the outcome', () => {
    jest.useFakeTimers();
    try {
      const { written, reporter } = read({ project: 'acme-one' });
      reporter.progress('building');
      jest.advanceTimersByTime(1_000);
      reporter.finish({ lines: ['built'], document: {} });
      jest.advanceTimersByTime(60_000);
      expect(written).toMatchObject({ stdout: 'built\n', stderr: 'acme-one: building\n' });
    } finally {
      jest.useRealTimers();
    }
  });

  it('is a note, and stays, if it is more than a step', () => {
    const { written, reporter } = read({ isTTY: true });
    reporter.progress('the argument A has no effect', 'note');
    reporter.finish({ lines: [], document: {} });
    expect(written.stderr).toBe(`${ERASE}the argument A has no effect\n${ERASE}`);
  });

  it('stays away from the document on stdout', () => {
    const { written, reporter } = read({ ci: true, json: true });
    reporter.progress('building');
    reporter.finish({ lines: ['built'], document: { kind: 'Built' } });
    expect(written).toMatchObject({ stdout: '{"kind":"Built"}\n', stderr: 'built\n' });
  });
});
