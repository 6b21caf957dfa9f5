import { must, notJudged, type Rule } from '../rule.ts';

export const isolationRules: readonly Rule[] = [
  {
    name: 'image.user',
    title: 'The image runs as a user other than root',
    check: async ({ subject }) => must(subject.uid !== 0, 'its config names root, or no user'),
  },
  {
    name: 'isolation.network',
    title: 'The processor was tested without a network, and a probe proved it',
    check: async ({ subject: { egress, egressRequired } }) => {
      const why = egress.reasons.join('; ');
      if (!egressRequired && !egress.blocked) notJudged(`the network was open: ${why}`);
      must(egress.blocked, why);
    },
  },
  {
    name: 'isolation.read-only',
    title: 'The processor works on a read-only root',
    needs: ['run.success'],
    check: async ({ subject: { isolation } }) => {
      if (isolation.filesystem !== 'read-only') notJudged(`the runtime ${isolation.runtime} has no read-only root`);
    },
  },
];
