import { describe, expect, it, jest } from '@jest/globals';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { lackOf, requirement, temporaryFolder } from '@pinlane/testing';
import { packTar, type Files } from '../support/building.ts';
import { buildWithBoth, type Case } from '../support/buildx.ts';

// A real builder on a machine that may be busy.
jest.setTimeout(120_000);

const ARCHIVE = await packTar([
  { name: './', type: 'directory', mode: 0o700, uid: 9, gid: 9 },
  { name: './bin/', type: 'directory', mode: 0o750, uid: 3, gid: 4 },
  { name: './bin/tool', content: 'tool', mode: 0o755, uid: 3, gid: 4 },
  { name: './bin/hard', type: 'link', linkname: './bin/tool' },
  { name: './bin/link', type: 'symlink', linkname: 'tool', uid: 3, gid: 4 },
  { name: './lib', type: 'symlink', linkname: 'bin' },
  { name: './deep/down/file', content: 'deep', mode: 0o600 },
  { name: './suid', content: 's', mode: 0o4755 },
]);

const FILES: Files = {
  'one.tar': ARCHIVE,
  'one.tar.gz': gzipSync(ARCHIVE),
  'one.tar.zst': zstdCompressSync(ARCHIVE),
  'two.tar': await packTar([
    { name: 'bin', content: 'a file in place of a folder' },
    { name: 'lib/', type: 'directory', mode: 0o711 },
    { name: 'suid', content: 'again', mode: 0o600 },
  ]),
  'text.gz': gzipSync('no tar'),
  'a.txt': 'a',
  // Of another length than the other: BuildKit takes a file for unchanged that has the size and the time of the one in its place, and both are written at once.
  'b.txt': 'bb',
  '.hidden': 'hidden',
  'run.sh': { text: '#!/bin/sh\n', mode: 0o755 },
  'dir/x': 'x',
  'dir/.dot': 'dot',
  'dir/sub/y': 'y',
  'dir/link': { link: 'x' },
  'dir/tosub': { link: 'sub' },
  'dir/empty': null,
  todir: { link: 'dir' },
  tofile: { link: 'a.txt' },
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\n',
  'etc/group': 'root:x:0:\nweb:x:33:node\n',
  'name with space': 'space',
  'ünï.txt': 'not ASCII',
};

const ON_USERS = 'FROM scratch\nCOPY etc /etc\n';

/** Dockerfiles that both must build alike. */
const ALIKE: readonly (readonly [what: string, dockerfile: string, more?: Omit<Partial<Case>, 'dockerfile'>])[] = [
  ['a file to a name', 'FROM scratch\nCOPY a.txt /x/name\n'],
  ['a file to a folder', 'FROM scratch\nCOPY a.txt /x/\n'],
  ['a file to the working directory', 'FROM scratch\nWORKDIR /w\nCOPY a.txt .\nCOPY b.txt ./\nCOPY run.sh sub/\n'],
  ['a file to a folder that is there', 'FROM scratch\nWORKDIR /w\nCOPY a.txt /w\n'],
  ['several files to a folder', 'FROM scratch\nCOPY a.txt b.txt run.sh /x/\n'],
  ['a folder to a name', 'FROM scratch\nCOPY dir /x\n'],
  ['a folder with a slash to a folder', 'FROM scratch\nCOPY dir/ /x/\n'],
  ['a folder and a file', 'FROM scratch\nCOPY dir a.txt /x/\n'],
  ['the whole context', 'FROM scratch\nCOPY . /\n'],
  ['a folder over one that is there', 'FROM scratch\nCOPY dir /x\nCOPY etc /x\n'],
  ['a folder into itself', 'FROM scratch\nCOPY dir /x\nCOPY dir /x/sub\n'],
  ['a glob', 'FROM scratch\nCOPY *.txt /x/\n'],
  ['a glob of one character', 'FROM scratch\nCOPY ?.txt /x/\n'],
  ['a glob of a set', 'FROM scratch\nCOPY [ab].txt /x/\n'],
  ['a glob of folders', 'FROM scratch\nCOPY di* /x/\n'],
  ['a glob that meets dotfiles', 'FROM scratch\nCOPY dir/* /x/\n'],
  ['a glob that meets the top', 'FROM scratch\nCOPY * /x/\n'],
  ['a glob in the middle', 'FROM scratch\nCOPY d*/sub/* /x/\n'],
  ['a glob that meets nothing beside a file', 'FROM scratch\nCOPY a.txt nothing* /x/\n'],
  ['a dotfile', 'FROM scratch\nCOPY .hidden /x/\n'],
  ['a link to a folder', 'FROM scratch\nCOPY todir /x\n'],
  ['a link to a folder with a slash', 'FROM scratch\nCOPY todir/ /x/\n'],
  ['a path over a link', 'FROM scratch\nCOPY todir/sub/y /x/\n'],
  ['a link to a file', 'FROM scratch\nCOPY tofile /x/\n'],
  ['a link in a folder', 'FROM scratch\nCOPY dir/tosub /x/\n'],
  ['a folder with dots', 'FROM scratch\nCOPY dir/../a.txt /x/y/../z/\n'],
  ['a path with a leading slash', 'FROM scratch\nCOPY /a.txt /dir/x /x/\n'],
  ['the JSON form with spaces', 'FROM scratch\nCOPY ["name with space", "/x y/"]\n'],
  ['a name that is not ASCII', 'FROM scratch\nCOPY ünï.txt /ö/\n'],
  ['a destination over a link', 'FROM scratch\nCOPY dir /x\nCOPY a.txt /x/tosub/\nCOPY dir/sub /x/tosub\n'],
  ['a file over a link', 'FROM scratch\nCOPY dir /x\nCOPY a.txt /x/link\n'],
  ['a file over a file', 'FROM scratch\nCOPY a.txt /x\nCOPY b.txt /x\n'],
  ['an owner by number', 'FROM scratch\nCOPY --chown=5:6 dir /x\nCOPY --chown=7 a.txt /y/z/\n'],
  ['an owner by name', `${ON_USERS}COPY --chown=node:web dir /x\nCOPY --chown=node a.txt /n/\nCOPY --chown=0:web b.txt /m/\n`],
  ['an owner of folders that are there', 'FROM scratch\nCOPY dir /x\nCOPY --chown=5:6 dir /x\n'],
  ['a mode', 'FROM scratch\nCOPY --chmod=600 a.txt /x/\nCOPY --chmod=0751 dir /y\nCOPY --chmod=4755 run.sh /z/\n'],
  ['a mode and an owner', 'FROM scratch\nCOPY --chmod=640 --chown=9:8 dir /x/\n'],
  ['a mode of folders that are there', 'FROM scratch\nCOPY dir /x\nCOPY --chmod=700 dir /x\n'],
  [
    'ENV and ARG of one name in turn',
    'FROM scratch\nENV A=env\nARG A=arg\nLABEL a=$A\nENV A=again\nLABEL b=$A\nARG A\nLABEL c=$A\n',
    { buildArgs: { A: 'given' } },
  ],
  ['ENV and ARG of one name in turn, none given', 'FROM scratch\nENV A=env\nARG A=arg\nLABEL a=$A\nENV A=again\nLABEL b=$A\nARG A\nLABEL c=$A\n'],
  ['--link', 'FROM scratch\nCOPY --link a.txt /x/\nCOPY --link --chown=3:4 dir /y/\n'],
  ['--link to a name', 'FROM scratch\nCOPY --link a.txt /x/y\nCOPY --link dir /z\n'],
  ['ADD of a file', 'FROM scratch\nADD a.txt /x/\nADD dir /y\nADD --chown=1:2 --chmod=600 b.txt /z/\n'],
  ['ADD of an archive', 'FROM scratch\nADD one.tar /x\n'],
  ['ADD of an archive to the root', 'FROM scratch\nADD one.tar.gz /\n'],
  ['ADD of an archive with zstd', 'FROM scratch\nADD one.tar.zst /x/\n'],
  ['ADD of an archive over a folder', 'FROM scratch\nCOPY dir /x/bin\nCOPY a.txt /x/lib/\nADD one.tar /x/\n'],
  ['ADD of archives over each other', 'FROM scratch\nADD one.tar /x/\nADD two.tar /x/\n'],
  ['ADD of an archive for an owner', 'FROM scratch\nADD --chown=7:8 one.tar /x/y/\n'],
  ['ADD of what is packed and no archive', 'FROM scratch\nADD text.gz /x/\n'],
  ['COPY of an archive', 'FROM scratch\nCOPY one.tar text.gz /x/\n'],
  ['COPY of what an archive gave', 'FROM scratch AS one\nADD one.tar.gz /x/\nFROM scratch\nCOPY --from=one /x/bin /y\nCOPY --from=one /x/deep/down/file /z\n'],
  ['WORKDIR of several parts', 'FROM scratch\nWORKDIR /a/b\nWORKDIR c\nWORKDIR ../d\nCOPY a.txt .\n'],
  ['WORKDIR of a user by number', 'FROM scratch\nUSER 12:13\nWORKDIR /a/b\nCOPY a.txt .\n'],
  ['WORKDIR of a user without a group', 'FROM scratch\nUSER 12\nWORKDIR /a/b\n'],
  ['WORKDIR of a user by name', `${ON_USERS}USER node\nWORKDIR /a/b\nUSER node:web\nWORKDIR /c\n`],
  ['WORKDIR over a link', 'FROM scratch\nCOPY dir /x\nWORKDIR /x/tosub/deep\nCOPY a.txt .\n'],
  [
    'COPY of a stage',
    'FROM scratch AS one\nWORKDIR /w\nCOPY --chown=5:6 dir ./\nFROM scratch\nCOPY --from=one /w /x\nCOPY --from=0 /w/sub/* /y/\nCOPY --from=one --chown=1:1 w/x /z\n',
  ],
  ['a stage on a stage', 'FROM scratch AS one\nENV A=1\nWORKDIR /w\nCOPY a.txt .\nFROM one AS two\nENV B=$A\nCOPY b.txt .\nFROM two\nLABEL l=$B\n'],
  ['a target', 'FROM scratch AS one\nCOPY a.txt /\nFROM one AS two\nCOPY b.txt /\n', { target: 'one' }],
  ['links of a stage', 'FROM scratch AS one\nCOPY dir /dir\nFROM scratch\nCOPY --from=one /dir/link /x/\nCOPY --from=one /dir/tosub /y\n'],
  ['ARG', 'ARG V=1\nFROM scratch\nARG V\nARG W=w$V\nARG G\nLABEL v=$V w=$W g=${G:-none} u=${U-unset}\nCOPY a.txt /$W/\n'],
  ['ARG that is given', 'ARG V=1\nFROM scratch\nARG V\nARG W=w\nLABEL v=$V w=$W\n', { buildArgs: { V: '2', W: 'given' } }],
  ['ARG in a stage of its own', 'FROM scratch AS one\nARG V=1\nENV E=$V\nFROM one\nARG W=$V\nLABEL v=x$V w=x$W e=$E\n'],
  ['ARG beside ENV', 'FROM scratch\nARG V=arg\nENV V=env\nARG V=again\nLABEL v=$V\n', { buildArgs: { V: 'given' } }],
  [
    'automatic arguments',
    'FROM scratch\nARG TARGETARCH\nARG TARGETOS\nARG TARGETVARIANT\nARG TARGETPLATFORM\nLABEL a=$TARGETARCH o=$TARGETOS v=x$TARGETVARIANT p=$TARGETPLATFORM n=x$BUILDARCH\n',
  ],
  ['ENV', 'FROM scratch\nENV A=1 B="two words" C=three\\ words D=\'$A\' E="$A" F=${A}x\nENV G the rest  of it\nENV A=2 H=$A\nENV EMPTY=\n'],
  [
    'ENV with quotes that are escaped',
    'FROM scratch\nENV A="say \\"hi\\"" B=\\"q\\" C=\'it\\\'s D="a\\$b" E=a\\$b F="back\\\\slash" G="\\n"\n'.replace("'it\\'s", 'its'),
  ],
  [
    'ENV with expansions',
    'FROM scratch\nENV A=a EMPTY=\nENV B=${A:+set} C=${EMPTY:+set} D=${EMPTY+set} E=${NONE:-dflt} F=${EMPTY:-dflt} G=${EMPTY-dflt} H=${NONE:-${A}b} I=$A$A J=${A}_$B K=$$\n',
  ],
  ['the PATH', 'FROM scratch\nENV PATH=/opt/bin:$PATH\n'],
  ['LABEL', 'FROM scratch\nLABEL a=1 "b c"="d e" f="g \\\nh"\nLABEL multi="one\\\n  two"\nLABEL a=2\n'],
  ['CMD and ENTRYPOINT as a list', 'FROM scratch\nENTRYPOINT ["/bin/x", "$A"]\nCMD ["a", "b c"]\n'],
  ['CMD and ENTRYPOINT as a line', 'FROM scratch\nENTRYPOINT exec top -b\nCMD echo "a  b" $HOME && true\n'],
  ['CMD before ENTRYPOINT', 'FROM scratch\nCMD ["a"]\nENTRYPOINT ["/x"]\n'],
  ['ENTRYPOINT takes the CMD of the base away', 'FROM scratch AS one\nCMD ["a"]\nFROM one\nENTRYPOINT ["/x"]\n'],
  ['empty lists', 'FROM scratch\nENTRYPOINT []\nCMD []\n'],
  ['a list that is none', "FROM scratch\nCMD ['a', 'b']\n"],
  ['SHELL', 'FROM scratch\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nCMD echo a\nENTRYPOINT b\n'],
  ['EXPOSE', 'FROM scratch\nARG P=9000\nEXPOSE 80 443/tcp 53/udp 8000-8002 $P\nEXPOSE 80/TCP\n'],
  ['VOLUME', 'FROM scratch\nVOLUME /a /b\nVOLUME ["/c d"]\nVOLUME rel\n'],
  ['USER', 'FROM scratch\nARG U=3\nUSER $U:4\n'],
  ['STOPSIGNAL', 'FROM scratch\nSTOPSIGNAL SIGTERM\n'],
  ['HEALTHCHECK', 'FROM scratch\nHEALTHCHECK --interval=30s --timeout=1m30s --start-period=500ms --retries=3 CMD ["/x", "y"]\n'],
  ['HEALTHCHECK as a line', 'FROM scratch\nHEALTHCHECK CMD curl -f http://localhost/ || exit 1\n'],
  ['HEALTHCHECK under SHELL', 'FROM scratch\nSHELL ["/bin/bash", "-c"]\nHEALTHCHECK CMD true\n'],
  ['HEALTHCHECK of none', 'FROM scratch AS one\nHEALTHCHECK CMD true\nFROM one\nHEALTHCHECK NONE\n'],
  ['comments and continuations', 'FROM scratch\n# a comment\nENV A=1 \\\n# in between\n    B=2 \\\n\n    C=3\n  # indented\nCMD ["a", \\\n  "b"]\n'],
  ['another escape', '# escape=`\nFROM scratch\nENV A=a` b `\n  B=C:\\d\n'],
  ['lower case', 'from scratch as One\ncopy a.txt /x/\nfrom one\nlabel a=b\n'],
  ['carriage returns', 'FROM scratch\r\nENV A=1 \\\r\n  B=2\r\nCOPY a.txt /x/\r\n'],
  ['a here-document', 'FROM scratch\nCOPY <<EOF /x/conf\nline $A one\n  two\nEOF\n'],
  [
    'here-documents of several kinds',
    'FROM scratch\nENV A=a\nCOPY <<EOF <<"QUOTED" <<-TABS /x/\nis $A\nEOF\nis $A\nQUOTED\n\tis $A\n\t\tdeep\n\tTABS\nCOPY --chown=3:4 --chmod=700 <<run.sh /y/\n#!/bin/sh\nrun.sh\nLABEL after=it\n',
  ],
  ['a here-document of nothing', 'FROM scratch\nCOPY <<EOF /x\nEOF\n'],
  ['a here-document beside a file', 'FROM scratch\nCOPY a.txt <<made b.txt /x/\nmade here\nmade\nADD <<EOF /added\nby ADD\nEOF\n'],
];

/** What both must refuse. */
const REFUSED: readonly (readonly [what: string, dockerfile: string])[] = [
  ['a file that is not there', 'FROM scratch\nCOPY nowhere /x\n'],
  ['a folder over a file', 'FROM scratch\nCOPY a.txt /x\nCOPY dir /x\n'],
  ['a user that is not there', 'FROM scratch\nCOPY --chown=nobody a.txt /x\n'],
  ['a cycle of stages', 'FROM two AS one\nFROM one AS two\n'],
  ['an unknown instruction', 'FROM scratch\nNOTHING x\n'],
  ['an unknown flag', 'FROM scratch\nCOPY --unknown=1 a.txt /x\n'],
  ['ENV without a value', 'FROM scratch\nENV A\n'],
  ['a port that is none', 'FROM scratch\nEXPOSE abc\n'],
  ['a required argument', 'FROM scratch\nLABEL a=${A:?is needed}\n'],
  ['HEALTHCHECK with a wrong time', 'FROM scratch\nHEALTHCHECK --interval=5 CMD true\n'],
];

/** What .dockerignore leaves of a context. */
const TREE: Files = {
  'a.txt': 'a',
  'b.md': 'b',
  'README.md': 'r',
  '.env': 'secret',
  'src/a.ts': 'a',
  'src/a.spec.ts': 's',
  'src/deep/b.ts': 'b',
  'src/deep/b.spec.ts': 's',
  'node_modules/x/index.js': 'x',
  'node_modules/x/keep.js': 'k',
  'docs/guide/one.md': '1',
  'docs/guide/two.md': '2',
  'docs/keep/three.md': '3',
  'logs/a.log': 'l',
  'logs/.keep': '',
  'a+b(c).txt': 'plus',
  'dir name/file': 'f',
  empty: null,
};
const IGNORED: readonly (readonly [what: string, text: string])[] = [
  ['names', 'node_modules\n.env\nREADME.md\n'],
  ['slashes', '/node_modules/\nsrc/\n./docs\n'],
  ['stars', '*.md\n*/*.log\n'],
  ['two stars', '**/*.spec.ts\n**/b.ts\n'],
  ['two stars at the end', 'docs/**\nnode_modules/**\n'],
  ['two stars in the middle', 'src/**/b.*\n'],
  ['all but', '*\n!src\n!a.txt\n'],
  ['all but what is deep', '**\n!src/deep/b.ts\n'],
  ['a file of a folder that is left out', 'node_modules\n!node_modules/x/keep.js\n'],
  ['one that comes back and goes', 'docs\n!docs/guide\ndocs/guide/two.md\n'],
  ['the order', '!README.md\n*.md\n!b.md\n'],
  ['a file that keeps a folder', 'logs/*\n!logs/.keep\n'],
  ['comments and blanks', '# *\n\n   \n  src  \n#a.txt\n'],
  ['sets and question marks', '[ab].*\n?ocs\n'],
  ['characters of regular expressions', 'a+b(c).txt\n'],
  ['spaces', 'dir name\n'],
  ['a trailing star with a folder that comes back', 'docs/*\n!docs/keep\n'],
  ['dots', 'src/../docs\n./src/./deep\n'],
  ['the Dockerfile itself', 'Dockerfile\n.dockerignore\n'],
  ['a byte order mark and carriage returns', '\uFEFFsrc\r\ndocs\r\n'],
  ['two stars before a name', '**/deep\n!**/deep/b.ts\n'],
  ['a star between slashes', '*/guide\n'],
];

requirement(
  'buildx',
  lackOf('buildx'),
  describe,
)('the assembler beside BuildKit', () => {
  it.each(ALIKE)('makes the same of %s', async (_, dockerfile, more = {}) => {
    const { buildkit, embedded } = await buildWithBoth(temporaryFolder('oci'), { dockerfile, files: FILES, ...more });
    expect(buildkit).toHaveProperty('built');
    expect(embedded).toEqual(buildkit);
  });

  it.each(REFUSED)('refuses %s as it does', async (_, dockerfile) => {
    const { buildkit, embedded } = await buildWithBoth(temporaryFolder('oci'), { dockerfile, files: FILES });
    expect(buildkit).toHaveProperty('refused');
    expect(embedded).toHaveProperty('refused', expect.stringContaining('ERR_') as unknown);
  });

  it.each(IGNORED)('ignores as it does: %s', async (_, text) => {
    const { buildkit, embedded } = await buildWithBoth(temporaryFolder('oci'), {
      dockerfile: 'FROM scratch\nCOPY . /\n',
      files: { ...TREE, '.dockerignore': text },
    });
    expect(buildkit).toHaveProperty('built');
    expect(embedded).toEqual(buildkit);
  });
});
