import { EXPECT_DIGEST_HEADER } from '@pinlane/contracts';
import { must, mustBeError, mustSucceed, notJudged, showList, type Rule } from './rule.ts';

const OTHER_DIGEST = `sha256:${'0'.repeat(64)}`;

export const guardRules: readonly Rule[] = [
  {
    name: 'guard.match',
    title: 'A request that expects the digest that runs is carried out',
    needs: ['run.success'],
    check: async (session) => mustSucceed((await session.run({ headers: { [EXPECT_DIGEST_HEADER]: session.subject.digest } })).response),
  },
  {
    name: 'guard.mismatch',
    title: 'A request that expects another digest is refused with 409 ERR_REGISTRY_MISMATCH',
    check: async (session) => mustBeError((await session.run({ headers: { [EXPECT_DIGEST_HEADER]: OTHER_DIGEST } })).response, 409, 'ERR_REGISTRY_MISMATCH'),
  },
  {
    name: 'guard.nothing-ran',
    title: 'A request that expects another digest runs nothing and writes nothing',
    check: async (session) => {
      const list = () => session.artifacts(session.subject.running).list('');
      const before = new Set(await list());
      const { response } = await session.run({ headers: { [EXPECT_DIGEST_HEADER]: OTHER_DIGEST } });
      if (response.status < 400) notJudged('the request was carried out, which guard.mismatch reports');
      const made = (await list()).filter((path) => !before.has(path));
      must(made.length === 0, `it left ${showList(made)}`);
    },
  },
  {
    name: 'digest.missing',
    title: 'A processor that was not told its digest answers 500 ERR_IMAGE_DIGEST_MISSING',
    check: async (session) => mustBeError((await session.run({ on: await session.variant('undigested') })).response, 500, 'ERR_IMAGE_DIGEST_MISSING'),
  },
  {
    name: 'real.missing-secret',
    title: 'mode=real without a required secret is refused with 424 ERR_MISSING_SECRET',
    check: async (session) => {
      if (session.subject.spec.secrets.required.length === 0) notJudged('registry.yaml requires no secret');
      mustBeError((await session.run({ body: { mode: 'real' } })).response, 424, 'ERR_MISSING_SECRET');
    },
  },
  {
    name: 'real.secret-first',
    title: 'A missing secret is reported before anything that is wrong with the inputs',
    needs: ['real.missing-secret'],
    check: async (session) => {
      const { response } = await session.run({ body: { mode: 'real', inputs: { schema: 'v0', params: null } } });
      mustBeError(response, 424, 'ERR_MISSING_SECRET');
    },
  },
];
