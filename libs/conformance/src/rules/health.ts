import { at, jsonOf, must, mustBeOfType, show, type Rule } from './rule.ts';
import type { Session } from '../subject/session.ts';

const healthz = (session: Session) => session.send({ method: 'GET', path: '/healthz' });

/** Another address of the loopback network. A server that listens on 127.0.0.1 alone is not reached by it. */
const OTHER_LOOPBACK = '127.0.0.2';

export const healthRules: readonly Rule[] = [
  {
    name: 'healthz.ok',
    title: 'GET /healthz answers 200 with ok: true, without any secret',
    check: async (session) => {
      const response = await healthz(session);
      must(response.status === 200, `expected 200, got ${response.status}`);
      const ok = at(jsonOf(response), 'ok');
      must(ok === true, `expected ok: true, got ${show(ok)}`);
    },
  },
  {
    name: 'healthz.media-type',
    title: 'GET /healthz answers as application/json',
    check: async (session) => mustBeOfType(await healthz(session), 'application/json'),
  },
  {
    name: 'healthz.ref',
    title: 'GET /healthz names the ref of registry.yaml',
    needs: ['healthz.ok'],
    check: async (session) => {
      const ref = at(jsonOf(await healthz(session)), 'ref');
      must(ref === session.subject.spec.ref, `expected ${session.subject.spec.ref}, got ${show(ref)}`);
    },
  },
  {
    name: 'healthz.digest',
    title: 'GET /healthz reports the digest of the image that runs',
    needs: ['healthz.ok'],
    check: async (session) => {
      const digest = at(jsonOf(await healthz(session)), 'image_digest');
      must(digest === session.subject.digest, `expected ${session.subject.digest}, got ${show(digest)}`);
    },
  },
  {
    name: 'listen.all-interfaces',
    title: 'The processor listens on every interface of its network, not on 127.0.0.1 alone',
    check: async ({ subject: { running } }) => {
      const view = await running.observeNetwork([{ host: OTHER_LOOPBACK, port: running.port }]);
      must(view.targets[0]?.reached === true, `it answers on 127.0.0.1:${running.port}, and not on ${OTHER_LOOPBACK}:${running.port}`);
    },
  },
  {
    name: 'route.unknown',
    title: 'An unknown path is answered with 404',
    check: async (session) => {
      const { status } = await session.send({ method: 'GET', path: '/pinlane-no-such-path' });
      must(status === 404, `expected 404, got ${status}`);
    },
  },
  {
    name: 'route.method',
    title: 'GET /run is refused with 404 or 405',
    check: async (session) => {
      const { status } = await session.send({ method: 'GET', path: '/run' });
      must(status === 404 || status === 405, `expected 404 or 405, got ${status}`);
    },
  },
];
