import { afterEach, describe, expect, it } from '@jest/globals';
import type { Digest, PinnedReference } from '@pinlane/contracts';
import { deploymentDiffers, type DeploymentPlan, type HostingIo, type HostingPlatform } from '@pinlane/pipeline';
import { awaitServing, requestsTo } from '../../src/index.ts';

/** A hosting platform under test. */
export interface HostingUnderTest {
  readonly platform: HostingPlatform;
  /** A plan of an app that exists nowhere yet; two images are there. */
  readonly plan: (image: 'one' | 'two') => DeploymentPlan;
  /** Ends all that the test left. */
  readonly end: () => Promise<void>;
}

const digestOf = ({ image }: { readonly image: PinnedReference }): Digest => image.digest;

/** What every hosting platform must do. */
export const hostingSuite = (name: string, open: () => Promise<HostingUnderTest>): void => {
  describe(`the hosting platform ${name}`, () => {
    let under: HostingUnderTest | undefined;
    afterEach(async () => {
      await under?.end();
      under = undefined;
    });
    const opened = async (): Promise<HostingUnderTest> => (under = await open());
    const io = (): HostingIo => ({ progress: () => undefined, signal: new AbortController().signal });
    const serves = async ({ platform }: HostingUnderTest, plan: DeploymentPlan): Promise<string | null> => {
      const address = await platform.address(plan.place, io().signal);
      return (await awaitServing({ request: requestsTo(address), digest: digestOf(plan), budgetMs: 20_000, signal: io().signal })).why;
    };

    it('tells of an app that was never there, and stops it in peace', async () => {
      const { platform, plan } = await opened();
      const { state } = await platform.describe(plan('one').place, io().signal);
      expect(state).toEqual({ known: true, value: 'absent' });
      await platform.stop(plan('one').place, io());
    });

    it('deploys by digest, tells what is configured, serves it, and goes on to another image at the same address', async () => {
      const all = await opened();
      const { platform, plan } = all;
      const [one, two] = [plan('one'), plan('two')];
      await platform.deploy(one, io());
      const first = await platform.describe(one.place, io().signal);
      expect(first).toMatchObject({ state: { value: 'running' }, image: { value: digestOf(one) }, version: { value: 1 } });
      expect(deploymentDiffers(one, first)).toEqual({ differs: [], staleSecrets: false, unknown: [] });
      expect(deploymentDiffers(two, first).differs).toHaveLength(1);
      expect(await serves(all, one)).toBeNull();
      await platform.deploy(two, io());
      const second = await platform.describe(one.place, io().signal);
      expect(second).toMatchObject({ image: { value: digestOf(two) }, url: first.url });
      expect(await serves(all, two)).toBeNull();
      const there = await platform.survey(one.place.environment, ['acme-none-v1'], io().signal);
      expect(there.asked.get('acme-none-v1')).toMatchObject({ state: { value: 'absent' } });
      expect(there).toMatchObject({ others: { value: [{ app: one.place.app, state: { value: 'running' } }] }, published: { value: [one.slug] } });
      expect((await platform.survey(one.place.environment, [one.place.app], io().signal)).others).toEqual({ known: true, value: [] });
      const elsewhere = await platform.elsewhere('main', [one.place.app, 'acme-none-v1'], io().signal);
      expect(elsewhere).toEqual({
        known: true,
        value: new Map([
          [one.place.app, [one.place.environment]],
          ['acme-none-v1', []],
        ]),
      });
      await platform.stop(one.place, io());
      const stopped = await platform.describe(one.place, io().signal);
      expect(stopped).toMatchObject({ state: { value: 'stopped' }, stopped: { at: expect.stringMatching(/^\d{4}-/), by: expect.any(String) } });
      await expect(platform.address(one.place, io().signal)).rejects.toMatchObject({ code: 'ERR_DEPLOY_UNREACHABLE' });
    });

    it('keeps the values of secrets to itself, and gives new ones to what runs by a rollover', async () => {
      const { platform, plan } = await opened();
      const base = plan('one');
      const secret = `${base.place.app}-secrets`;
      const withSecret: DeploymentPlan = { ...base, secret, settings: { ...base.settings, secrets: { required: ['API_KEY'], optional: [] } } };
      const { environment } = base.place;
      expect((await platform.preflight(withSecret, io())).map(({ code }) => code)).toContain('ERR_SECRET_MISSING');
      const stored = await platform.secrets.put(environment, secret, new Map([['API_KEY', 'canary-one']]), io());
      expect(JSON.stringify(stored)).not.toContain('canary');
      expect((await platform.preflight(withSecret, io())).map(({ code }) => code)).not.toContain('ERR_SECRET_MISSING');
      await platform.deploy(withSecret, io());
      expect(deploymentDiffers(withSecret, await platform.describe(base.place, io().signal)).staleSecrets).toBe(false);
      await platform.secrets.put(environment, secret, new Map([['API_KEY', 'canary-two']]), io());
      expect((await platform.describe(base.place, io().signal)).secretsCurrent).toEqual({ known: true, value: false });
      await platform.rollover(base.place, io());
      const after = await platform.describe(base.place, io().signal);
      expect(after).toMatchObject({ secretsCurrent: { known: true, value: true }, image: { value: digestOf(base) } });
      expect(JSON.stringify(after)).not.toContain('canary');
    });

    it('starts the image beside the deployment with no secrets, and removes it', async () => {
      const { platform, plan } = await opened();
      const one = plan('one');
      await platform.deploy(one, io());
      const probe = await platform.probe(one, 60_000, io());
      const answer = await requestsTo(probe)({ method: 'GET', path: '/healthz' });
      expect(answer.status).toBe(200);
      await probe.remove();
      await expect(requestsTo(probe)({ method: 'GET', path: '/healthz', timeoutMs: 2000 })).rejects.toThrow();
      expect((await platform.describe(one.place, io().signal)).state).toEqual({ known: true, value: 'running' });
    });
  });
};
