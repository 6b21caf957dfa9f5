import { must, notJudged, type Rule } from './rule.ts';

const REASONS_SHOWN = 2;

export const isolationRules: readonly Rule[] = [
  {
    name: 'image.user',
    title: 'The image runs as a user other than root',
    check: async ({ subject }) => must(subject.uid !== 0, 'its config names root, or no user'),
  },
  {
    name: 'isolation.network',
    title: 'The processor was tested without a network, and a probe proved it',
    check: async ({ subject: { egress, isolationRequired } }) => {
      const more = egress.reasons.length - REASONS_SHOWN;
      const why = [...egress.reasons.slice(0, REASONS_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
      if (!isolationRequired && !egress.blocked) notJudged(`the network was open: ${why}`);
      must(egress.blocked, why);
    },
  },
  {
    name: 'isolation.read-only',
    title: 'The processor works on a read-only root',
    needs: ['run.success'],
    check: async ({ subject: { isolation, isolationRequired } }) => {
      const readOnly = isolation.filesystem === 'read-only';
      if (!isolationRequired && !readOnly) notJudged(`the runtime ${isolation.runtime} has no read-only root`);
      must(readOnly, `the runtime ${isolation.runtime} has no read-only root`);
    },
  },
];
