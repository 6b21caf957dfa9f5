import { describe, expect, it } from '@jest/globals';
import { createReporter } from '../../src/command/reporter.ts';

/** What a reader of one terminal, or of two files, gets. */
const read = (options: { readonly isTTY?: boolean; readonly columns?: number; readonly ci?: boolean; readonly json?: boolean; readonly verbose?: boolean }) => {
  const { isTTY = false, columns, ci = false, json = false, verbose = false } = options;
  const written = { stdout: '', stderr: '', both: '' };
  const into = (name: 'stdout' | 'stderr') => (text: string) => {
    written[name] += text;
    written.both += text;
  };
  const streams = { stdout: { write: into('stdout') }, stderr: { write: into('stderr'), isTTY, ...(columns === undefined ? {} : { columns }) } };
  return { written, reporter: createReporter(streams, { json, ci, verbose }) };
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
    const { written, reporter } = read({ isTTY: true, columns: 0 });
    reporter.note('a note');
    reporter.progress('pushing acme-one to registry.example/acme');
    expect(written.both).toBe(`${ERASE}a note\n${ERASE}pushing acme-one to registry.example/acme`);
  });

  it('is a line of its own in CI and where more was asked for, and nothing where output is kept', () => {
    for (const [options, expected] of [
      [{ ci: true, isTTY: true }, 'building\nbuilt\n'],
      [{ verbose: true }, 'building\nbuilt\n'],
      [{}, 'built\n'],
    ] as const) {
      const { written, reporter } = read(options);
      reporter.progress('building');
      reporter.finish({ lines: ['built'], document: {} });
      expect(written.both).toBe(expected);
    }
  });

  it('stays away from the document on stdout', () => {
    const { written, reporter } = read({ ci: true, json: true });
    reporter.progress('building');
    reporter.finish({ lines: ['built'], document: { kind: 'Built' } });
    expect(written).toMatchObject({ stdout: '{"kind":"Built"}\n', stderr: 'building\nbuilt\n' });
  });
});
