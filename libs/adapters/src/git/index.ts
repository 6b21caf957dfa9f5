export { headRevision, type HeadRevision } from './head.ts';
