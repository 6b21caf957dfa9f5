import { describe, expect, it } from '@jest/globals';
import { isPinlaneError } from '@pinlane/contracts';
import { parseSpec, projectionText } from '../../src/index.ts';

const FILE = { file: 'r.yaml' };
const HEX = 'a'.repeat(64);

const problemsOf = (text: string): string[] => {
  try {
    parseSpec(text, FILE);
  } catch (error) {
    if (!isPinlaneError(error)) throw error;
    return error.problems.map(({ code, line, column, message }) => `${code} ${line ?? '-'}:${column ?? '-'} ${message}`);
  }
  return [];
};

describe('a registry.yaml that is refused', () => {
  const refused: [name: string, text: string, problem: RegExp][] = [
    ['an alias bomb', 'ref: a/b@1\nx: &x [1]\ny: [*x, *x]\n', /^ERR_REGISTRY_SYNTAX 2:7 the anchor &x is not allowed/],
    ['a merge key', 'ref: a/b@1\nbuild:\n  <<: { port: 1 }\n', /^ERR_REGISTRY_SYNTAX 3:3 the merge key << is not allowed/],
    ['a duplicate key', 'ref: a/b@1\nref: c/d@2\n', /^ERR_REGISTRY_SYNTAX 2:1 /],
    ['a tab for indentation', 'ref: a/b@1\nbuild:\n\tport: 1\n', /^ERR_REGISTRY_SYNTAX 3:1 Tabs/],
    ['a second document', 'ref: a/b@1\n---\nref: c/d@1\n', /^ERR_REGISTRY_SYNTAX 2:1 /],
    ['YAML 1.1', '%YAML 1.1\n---\nref: a/b@1\n', /^ERR_REGISTRY_SYNTAX 1:1 YAML 1.1/],
    ['a YAML tag', 'ref: !!str a/b@1\n', /^ERR_REGISTRY_SYNTAX 1:\d+ a YAML tag/],
    ['a key that is no text', 'ref: a/b@1\n1: x\n', /^ERR_REGISTRY_SYNTAX 2:1 the key 1 is not text/],
    ['the key __proto__', 'ref: a/b@1\n__proto__: { polluted: true }\n', /^ERR_REGISTRY_SYNTAX 2:1 the key __proto__/],
    ['a list', '- a\n', /^ERR_REGISTRY_SYNTAX 1:1 the document is not a mapping/],
    ['nothing', '', /^ERR_REGISTRY_SYNTAX 1:1 the document is not a mapping/],
    ['forty thousand brackets', `ref: ${'['.repeat(40_000)}`, /^ERR_REGISTRY_SYNTAX .*nested too deeply/],
    ['ten megabytes', `ref: a/b@1 #${'x'.repeat(10 * 1024 * 1024)}`, /^ERR_REGISTRY_TOO_LARGE/],
    ['no ref', 'build: {}\n', /^ERR_REGISTRY_INVALID \d+:\d+ ref is missing/],
    ['a ref with capitals', 'ref: A/b@1\n', /^ERR_REGISTRY_INVALID 1:6 ref: /],
    ['a ref with a newline', 'ref: "a/b@1\\n"\n', /^ERR_REGISTRY_INVALID 1:6 ref: /],
    ['a ref with an expression of a workflow', 'ref: "${{ x }}/b@1"\n', /^ERR_REGISTRY_INVALID 1:6 ref: /],
    ['a ref that starts with a hyphen', 'ref: -a/b@1\n', /^ERR_REGISTRY_INVALID 1:6 ref: /],
    ['a digest that is too short', `ref: a/b@1\nimage: { index: x.io/y@sha256:${'a'.repeat(63)} }\n`, /^ERR_REGISTRY_INVALID 2:17 image.index: /],
    ['a digest in capitals', `ref: a/b@1\nimage: { index: x.io/y@sha256:${'A'.repeat(64)} }\n`, /^ERR_REGISTRY_INVALID 2:17 image.index: /],
    ['a tag for a pin', 'ref: a/b@1\nimage: { platforms: { amd64: x.io/y:latest } }\n', /^ERR_REGISTRY_INVALID 2:30 image.platforms.amd64: /],
    ['a tag beside the digest', `ref: a/b@1\nimage: { platforms: { amd64: x.io/y:1@sha256:${HEX} } }\n`, /^ERR_REGISTRY_INVALID 2:30 /],
    [
      'a platform that is not known',
      `ref: a/b@1\nimage: { platforms: { riscv64: x.io/y@sha256:${HEX} } }\n`,
      /^ERR_REGISTRY_INVALID 2:23 image.platforms.riscv64 is not a known key/,
    ],
    ['a context that leaves the project', 'ref: a/b@1\nbuild: { context: ../../etc }\n', /^ERR_REGISTRY_INVALID 2:19 build.context: /],
    ['an absolute context', 'ref: a/b@1\nbuild: { context: /etc }\n', /^ERR_REGISTRY_INVALID 2:19 build.context: /],
    ['a Dockerfile that starts with a hyphen', 'ref: a/b@1\nbuild: { dockerfile: --help }\n', /^ERR_REGISTRY_INVALID 2:22 build.dockerfile: /],
    ['a port out of range', 'ref: a/b@1\nbuild: { port: 70000 }\n', /^ERR_REGISTRY_INVALID 2:16 build.port: /],
    ['a secret listed twice', 'ref: a/b@1\nsecrets: { required: [A], optional: [A] }\n', /^ERR_REGISTRY_INVALID 2:\d+ secrets: A is listed twice/],
    [
      'a secret by a name that the runtime sets',
      'ref: a/b@1\nsecrets: { required: [PORT] }\n',
      /^ERR_REGISTRY_INVALID 2:23 secrets.required\[0\]: the name belongs/,
    ],
    ['a secret with a value', 'ref: a/b@1\nsecrets: { required: ["A=1"] }\n', /^ERR_REGISTRY_INVALID 2:23 secrets.required\[0\]: /],
    ['the old form', `ref: a/b@1\nimage:\n  oci: x.io/y@sha256:${HEX}\n`, /^ERR_REGISTRY_OLD_FORM 3:3 /],
  ];

  it.each(refused)('because of %s is told with its place', (_, text, problem) => {
    expect(problemsOf(text)[0]).toMatch(problem);
  });

  it('tells every problem at once', () => {
    expect(problemsOf('ref: A\nbuild: { prt: 1 }\nruntime: { cpu: none }\n')).toHaveLength(3);
  });

  it('names the key that was probably meant', () => {
    expect(() => parseSpec('ref: a/b@1\nruntime: { memry_gb: 1 }\n', FILE)).toThrow(/Did you mean memory_gb\?/);
  });
});

describe('a registry.yaml that is accepted', () => {
  it('has every default filled in', () => {
    expect(parseSpec('ref: a/b@1\n', FILE).spec.build).toEqual({ context: '.', dockerfile: 'Dockerfile', port: 8000, args: {} });
  });

  it('tells where a value stands, behind a byte-order mark and with CRLF too', () => {
    const parsed = parseSpec('\uFEFFref: a/b@1\r\nbuild:\r\n  port: 81\r\n', FILE);
    expect(parsed.place(['build', 'port'])).toEqual({ line: 3, column: 9 });
  });

  it('has a projection that knows nothing of its pins and is a registry.yaml itself', () => {
    const pinned = parseSpec(`ref: a/b@1\nimage: { index: x.io/y@sha256:${HEX} }\nruntime: { cpu: 3 }\n`, FILE).spec;
    const bare = parseSpec('runtime:\n  cpu: 3 # comment\nref: a/b@1\n', FILE).spec;
    expect(projectionText(pinned)).toBe(projectionText(bare));
    expect(projectionText(parseSpec(projectionText(pinned), FILE).spec)).toBe(projectionText(pinned));
  });
});

describe('a registry.yaml that would cost more than it is worth', () => {
  it('has its keys compared in one pass: five thousand of them are read, and one that is there twice is found', () => {
    const keys = Array.from({ length: 5_000 }, (_, at) => `  k${at}: 1\n`).join('');
    expect(problemsOf(`ref: a/b@1\ninputs:\n${keys}`)).toEqual([]);
    expect(problemsOf(`ref: a/b@1\ninputs:\n${keys}  k7: 2\n`)).toEqual(['ERR_REGISTRY_SYNTAX 5003:3 the key "k7" is there twice']);
  });

  it('has no more than fifty problems told', () => {
    expect(problemsOf(`ref: a/b@1\n${Array.from({ length: 500 }, (_, at) => `k${at}: 1\n`).join('')}`)).toHaveLength(50);
  });

  it.each([
    ['an infinite number', '.inf', 'a number is infinite or none'],
    ['what is no number', '.nan', 'a number is infinite or none'],
    ['half a character', '"\\ud800"', 'a text holds half a character'],
  ])('because of %s, which its projection could not say, is refused with its place', (_, value, message) => {
    expect(problemsOf(`ref: a/b@1\ninputs: { maximum: ${value} }\n`)).toEqual([`ERR_REGISTRY_SYNTAX 2:20 ${message}`]);
  });
});
