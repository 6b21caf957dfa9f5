import { describe, expect, it } from '@jest/globals';
import { MODAL_CLAIMS, type Digest, type ModalClaim, type ModalProof } from '@pinlane/contracts';
import { judgeModal, modalUntold, type ColdStart, type ModalExpected, type ModalSeen, type Witness } from '../../src/index.ts';

const digest = `sha256:${'a1'.repeat(32)}` as Digest;
const expected: ModalExpected = {
  config: { Env: ['PATH=/bin', 'EMPTY=', 'WITH=a=b'], WorkingDir: '/app', User: '1000:1001' },
  ...{ digest, cmd: ['of-cmd'], command: ['of-command', 'alone'] },
};
const witness: Witness = {
  ...{ startedBy: 'entrypoint', arguments: ['of-cmd'], workdir: '/app', uid: 1000, gid: 1001 },
  env: { PATH: '/bin', EMPTY: '', WITH: 'a=b', IMAGE_DIGEST: digest },
};
const cold: ColdStart = { witness, before: [], heldMs: 1234 };
const seen = <T>(value: T) => ({ kind: 'seen', value }) as const;
const refused = { kind: 'refused', reason: 'Modal said no' } as const;
const unknown = { kind: 'unknown', reason: 'Modal was silent' } as const;
const all: ModalSeen = {
  ...{ withCredentials: true, pulled: seen('im-1'), built: seen(['im-2', 'im-2'] as const), published: seen(['im-2', 'im-2'] as const) },
  ...{ server: seen(cold), sandbox: seen({ ...witness, arguments: ['of-command', 'alone'] }), secret: seen(['st-1', 'st-1'] as const) },
};

const proofOf = (claim: ModalClaim, more: Partial<ModalSeen>, config = expected.config): ModalProof =>
  judgeModal({ ...all, ...more }, { ...expected, config }).find((proof) => proof.claim === claim)!;
const server = (more: Partial<Witness>): Partial<ModalSeen> => ({ server: seen({ ...cold, witness: { ...witness, ...more } }) });

describe('What was seen on an account of Modal', () => {
  it('proves every claim where all is as it was thought to be', () => {
    const proofs = judgeModal(all, expected);
    expect(proofs.map(({ claim }) => claim)).toEqual(MODAL_CLAIMS);
    expect(proofs.filter(({ outcome }) => outcome !== 'proven')).toEqual([]);
  });

  it.each<[ModalClaim, Partial<ModalSeen>, ModalProof['outcome'], RegExp]>([
    ['pull-by-digest', { pulled: refused }, 'disproven', /said no/],
    ['pull-by-digest', { pulled: refused, withCredentials: false }, 'unknown', /PINLANE_MODAL_REGISTRY_SECRET/],
    ['pull-by-digest', { withCredentials: false }, 'proven', /without credentials/],
    ['pull-by-digest', { pulled: unknown }, 'unknown', /silent/],
    ['image-identity', { built: seen(['im-2', 'im-3']) }, 'disproven', /im-2, and again im-3/],
    ['image-identity', { built: refused }, 'unknown', /said no/],
    ['long-names', { published: refused }, 'disproven', /said no/],
    ['long-names', { published: seen(['im-2', null]) }, 'disproven', /nothing is found/],
    ['long-names', { published: seen(['im-2', 'im-9']) }, 'disproven', /im-9/],
    ['server-entrypoint', server({ arguments: [] }), 'disproven', /\[\]/],
    ['server-entrypoint', { server: refused }, 'unknown', /said no/],
    ['server-env', server({ env: { ...witness.env, IMAGE_DIGEST: null } }), 'disproven', /^IMAGE_DIGEST is unset$/],
    ['server-env', server({ env: { ...witness.env, WITH: 'a' } }), 'disproven', /^WITH is another value$/],
    ['server-workdir', server({ workdir: '/' }), 'disproven', /it is \/, and WORKDIR is \/app/],
    ['server-user', server({ uid: 0, gid: 0 }), 'disproven', /0:0/],
    ['server-user', server({ gid: 7 }), 'disproven', /1000:7/],
    ['cold-server', { server: seen({ ...cold, before: [503, 502, 'no answer (ECONNREFUSED)'] }) }, 'proven', /503, 502, no answer/],
    ['cold-server', { server: seen({ ...cold, before: [503, 303] }) }, 'disproven', /303/],
    ['cold-server', { server: seen({ ...cold, before: [404] }) }, 'disproven', /404/],
    ['cold-server', { server: unknown }, 'unknown', /silent/],
    ['sandbox-command', { sandbox: seen({ ...witness, startedBy: 'command', arguments: ['alone'] }) }, 'disproven', /in place of the ENTRYPOINT/],
    ['sandbox-command', { sandbox: seen(witness) }, 'disproven', /the CMD, and no command/],
    ['sandbox-command', { sandbox: seen({ ...witness, arguments: ['of-command', 'alone', 'of-cmd'] }) }, 'disproven', /3 arguments/],
    ['sandbox-command', { sandbox: refused }, 'unknown', /said no/],
    ['secret-identity', { secret: seen(['st-1', 'st-2']) }, 'disproven', /st-2/],
  ])('is judged claim by claim: %s, %#', (claim, more, outcome, said) => {
    expect(proofOf(claim, more)).toMatchObject({ outcome, message: expect.stringMatching(said) });
    const others = judgeModal({ ...all, ...more }, expected).filter((proof) => proof.claim !== claim);
    if (!('server' in more)) expect(others.filter((proof) => proof.outcome !== 'proven')).toEqual([]);
  });

  it.each<[string | null | undefined, number, number, ModalProof['outcome']]>([
    [undefined, 0, 0, 'proven'],
    ['', 1000, 0, 'disproven'],
    ['1000', 1000, 7, 'proven'],
    ['node', 1000, 1000, 'proven'],
    ['node', 0, 0, 'disproven'],
    ['root:root', 0, 0, 'proven'],
  ])('knows a USER that is %p when it is %p:%p', (User, uid, gid, outcome) => {
    expect(proofOf('server-user', server({ uid, gid }), { ...expected.config, User }).outcome).toBe(outcome);
  });

  it('tells values of variables nowhere', () => {
    const found = judgeModal({ ...all, ...server({ env: { ...witness.env, PATH: 'of-the-container' } }) }, expected);
    expect(JSON.stringify(found)).not.toMatch(/of-the-container|a=b/);
  });

  it('is nothing at all, for one reason, where nobody could be asked', () => {
    expect(new Set(modalUntold('no account').map(({ outcome, message }) => `${outcome} ${message}`))).toEqual(new Set(['unknown no account']));
  });
});
