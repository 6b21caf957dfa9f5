import { bundleDocumentSchema, EXIT } from '@pinlane/contracts';
import { defineVerb } from '../../command/verb.ts';
import { bundling } from '../../images/bundle-options.ts';
import { lane } from '../../images/options.ts';

export const verb = defineVerb({
  name: 'bundle',
  title: 'Bundles a processor into one file.',
  subject: 'processor',
  options: { ...bundling, ...lane },
  environment: [],
  document: [bundleDocumentSchema],
  target: {},
  batch: true,
  run: async (options, context) => {
    const { writeBundle } = await import('../../images/bundle.ts');
    const files = await writeBundle(options, context);
    return {
      document: { kind: 'Bundle', schemaVersion: 1, project: context.project, files },
      lines: files.map(({ path, size }) => `${path}  ${Math.ceil(size / 1024)} KiB`),
      exitCode: EXIT.good,
    };
  },
});
