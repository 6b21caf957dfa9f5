import { beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { problemsOf, temporaryFolder } from '@pinlane/testing';
import { openStore } from '../../src/index.ts';
import { build, writeFiles } from '../support/building.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('oci');
});

const MEBIBYTE = 1024 * 1024;

/** A file that begins with some text and goes on with others, up to a mebibyte. */
const filled = (head: string, part: (at: number) => string, tail = ''): string => {
  const parts = [head];
  let size = head.length + tail.length;
  for (let at = 0; size + part(at).length <= MEBIBYTE; at += 1) {
    parts.push(part(at));
    size += part(at).length;
  }
  return [...parts, tail].join('');
};
const times = (count: number, part: (at: number) => string): string => Array.from({ length: count }, (_, at) => part(at)).join('');

/** Twice as long with each line. */
const doubled = (lines: number): string => `FROM scratch\nENV A=x\n${'ENV A=$A${A}\n'.repeat(lines)}`;

const outcomeOf = async (text: string): Promise<string> => {
  const context = join(folder, 'context');
  await writeFiles(context, { Dockerfile: text, '.dockerignore': 'Dockerfile\n', f: 'f' });
  const problems = await problemsOf(() => build(context, openStore(join(folder, 'store'))));
  return problems.length === 0 ? 'built' : `${problems[0]!.code} ${problems[0]!.message}`;
};

// That none of these takes long is seen by the time that a test may take: each was minutes, or more than there is memory, in some version of the engine.
describe('a Dockerfile as large as one may be', () => {
  it.each([
    ['comments', filled('FROM scratch\n', () => '#\n')],
    ['empty continuation lines', filled('FROM scratch\nENV A=1 ', () => '\\\n')],
    ['comments among continuation lines', filled('FROM scratch\nENV A=1 \\\n', () => '# x\n')],
    ['one variable again and again', filled('FROM scratch\nENV A=1 ', () => 'B=1 \\\n')],
    ['blanks', filled('FROM scratch\nENV A=1', () => ' \\\n')],
    ['one here-document', filled('FROM scratch\nCOPY <<E /x\n', () => 'a\r\n', '\nE\n')],
    ['a here-document of tabs', filled('FROM scratch\nCOPY <<-E /x\n', () => '\t\t\t\t\n', '\nE\n')],
    ['JSON that is never closed', filled('FROM scratch\nCMD ', () => '[\\\n')],
    ['JSON', filled('FROM scratch\nCMD [', () => '"a",\\\n', '"b"]\n')],
    ['stages, each on the one before it', `FROM scratch AS s0\nCOPY f /\n${times(1900, (at) => `FROM s${at} AS s${at + 1}\n`)}`],
    [
      'stages that copy all of the one before them',
      `FROM scratch AS s0\nCOPY f /\n${times(400, (at) => `FROM scratch AS s${at + 1}\nCOPY --from=s${at} / /\n`)}`,
    ],
    ['blanks in parser directives', `# check=a${' '.repeat(65_000)}b\n# escape=\\${' '.repeat(65_000)}\nFROM scratch\nCOPY f /\n`],
    ['ranges of ports', `FROM scratch\n${times(20, (line) => `EXPOSE ${times(900, (at) => `${at + line}-65535 `)}\n`)}`],
  ])('is built if it is %s', async (_, text) => {
    expect(await outcomeOf(text)).toBe('built');
  });

  it.each([
    ['stages', filled('FROM scratch AS s0\n', (at) => `FROM s${at} AS s${at + 1}\n`), /more than 2000 instructions/],
    ['arguments', filled('FROM scratch\n', (at) => `ARG a${at}\n`), /more than 2000 instructions/],
    ['arguments before FROM', filled('', (at) => `ARG a${at}=1\n`), /more than 2000 instructions/],
    ['here-documents', filled('FROM scratch\n', (at) => `COPY <<E /x${at}\nE\n`), /more than 2000 instructions/],
    ['instructions that are none', filled('FROM scratch\n', () => 'X\n'), /more than 2000 instructions/],
    ['variables in one instruction', filled('FROM scratch\nENV ', (at) => `a${at}=1 \\\n`), /more than 2000 variables/],
    ['arguments in one instruction', filled('FROM scratch\nARG ', (at) => `a${at}=1 \\\n`), /more than 2000 variables/],
    ['labels in one instruction', filled('FROM scratch\nLABEL ', (at) => `a${at}=1 \\\n`), /more than 2000 labels/],
    ['sources', filled('FROM scratch\nCOPY ', () => 'f \\\n', '/x/\n'), /more than 1000 arguments/],
    ['flags', filled('FROM scratch\nCOPY ', () => '--a \\\n'), /no flag --a/],
    ['nested expansions', filled('FROM scratch\nENV A=', () => '${a:-\\\n'), /nested too deeply/],
    ['openings of here-documents', filled('FROM scratch\nRUN ', () => '<<a \\\n'), /here-document "a" is not closed/],
    ['ONBUILD', filled('FROM scratch\n', () => 'ONBUILD \\\n', 'COPY <<E /x/\nE\n'), /"E" is not a Dockerfile instruction/],
    ['a duration', filled('FROM scratch\nHEALTHCHECK --interval=', () => '1234567890'.repeat(1000) + '\\\n', 'x CMD a\n'), /--interval=1234567890.*…$/],
    ['parts of a duration', filled('FROM scratch\nHEALTHCHECK --interval=', () => '1.5h'.repeat(1000) + '\\\n', 'x CMD a\n'), /--interval=1.5h.*…$/],
    ['blanks that open a here-document', filled('FROM scratch\nCOPY <<', () => `${' '.repeat(10_000)}\\\n`, '<x /y/\n'), /not in the build context/],
    ['a word in a message', filled('FROM scratch\nENV ', () => `${'a'.repeat(10_000)}\\\n`), /ENV needs a value: a{100,300}…$/],
    ['layers', `FROM scratch\n${times(200, (at) => `COPY f /x${at}\n`)}`, /more than 125 layers/],
    ['variables that double', doubled(1900), /grows to more than 1048576 characters/],
    ['labels of a long variable', `${doubled(19)}${times(100, (at) => `LABEL l${at}=$A\n`)}`, /config of more than 4194304 bytes/],
    [
      'here-documents of a long variable',
      `${doubled(19)}${times(100, (at) => `COPY <<E <<F /x/\n$A-${at}\nE\n$A\nF\n`)}`,
      /here-documents of the file grow to more than 67108864/,
    ],
    ['a path of a long variable', `${doubled(15)}COPY f /$A\n`, /path .* is longer than 4096 characters/],
    ['a long path', `FROM scratch\nWORKDIR ${'a/'.repeat(30_000)}\n`, /path .* is longer than 4096 characters/],
    ['ports of a long variable', `${doubled(15)}EXPOSE $A\n`, /EXPOSE is longer than 4096 characters/],
    ['a source of stars', `FROM scratch\nCOPY ${'*a'.repeat(30_000)}b /x/\n`, /longer than 4096 characters/],
  ])('is refused by a limit that is named if it is %s', async (_, text, message) => {
    expect(await outcomeOf(text)).toMatch(message);
  });
});
