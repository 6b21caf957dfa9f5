import { tablePage } from '../../page/browser/table-page.ts';
import { panelOf, type PageData } from './panel.ts';

tablePage<PageData>('drift', panelOf);
