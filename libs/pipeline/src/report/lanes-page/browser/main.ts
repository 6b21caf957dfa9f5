import type { LanesReport } from '@pinlane/contracts';
import { tablePage } from '../../page/browser/table-page.ts';
import { panelOf } from './panel.ts';

tablePage<LanesReport>('lanes', panelOf);
