import { slugOf, type Problem, type Ref } from '@pinlane/contracts';
import { throwAll } from './syntax.ts';

/** A processor's ref and the file that says it. */
export interface NamedProcessor {
  readonly ref: Ref;
  readonly file: string;
}

/** Checks that no two processors share a ref or a slug (`a-b/c` and `a/b-c` do). @throws ERR_REF_DUPLICATE naming both files */
export const checkWorkspace = (processors: readonly NamedProcessor[]): void => {
  const first = new Map<string, NamedProcessor>();
  const problems: Problem[] = [];
  for (const processor of [...processors].sort((a, b) => (a.file < b.file ? -1 : 1))) {
    const slug = slugOf(processor.ref);
    const other = first.get(slug);
    if (other === undefined) first.set(slug, processor);
    else
      problems.push({
        code: 'ERR_REF_DUPLICATE',
        file: processor.file,
        message:
          other.ref === processor.ref
            ? `${processor.ref} is the ref of ${other.file} already`
            : `${processor.ref} and ${other.ref} of ${other.file} have one slug, ${slug}, which names project and image`,
      });
  }
  throwAll(problems);
};
