import type { SeenRequest } from './listen.ts';

/** What goes wrong instead of the right answer, or with it. */
export type Fault =
  /** Answers with this and nothing else. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | Uint8Array }
  /** Gives the right answer, with some headers replaced. */
  | { readonly kind: 'headers'; readonly headers: Record<string, string> }
  /** Announces the whole body, sends its first bytes and cuts the connection. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Cuts the connection before answering. */
  | { readonly kind: 'reset' }
  /** Never answers. */
  | { readonly kind: 'hang' };

/** Which requests a fault spoils. */
export interface FaultRule<Laid = Fault> {
  readonly when: (request: SeenRequest) => boolean;
  /** How many requests it still spoils; all of them if absent. */
  times?: number;
  readonly fault: Laid;
}

/** The first rule that spoils a request, counted as used once more; undefined if none does. */
export const useRule = <Rule extends FaultRule<unknown>>(rules: readonly Rule[], request: SeenRequest): Rule | undefined => {
  const rule = rules.find(({ when, times }) => times !== 0 && when(request));
  if (rule?.times !== undefined) rule.times--;
  return rule;
};
