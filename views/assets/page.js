// What every page does: times of the viewer's zone, and the focus where something is wrong.
import { readLocalTimes, showLocalTimes } from './times.js';

showLocalTimes();
readLocalTimes();
document.querySelector('#summary')?.focus();
