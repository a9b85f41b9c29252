// What every page does: times of the viewer's zone, and the focus where something is wrong.
import { showLocalTimes } from './times.js';

showLocalTimes();
document.querySelector('#summary')?.focus();
