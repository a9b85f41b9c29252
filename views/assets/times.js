// Shows every moment in the viewer's own zone, and says which that is; the exact one stays on hover. Without this script: UTC.
const moment = {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
};

/** Rewrites the times under an element, once each. */
export function showLocalTimes(root = document) {
  for (const time of root.querySelectorAll('time[datetime]:not([data-local])')) {
    const at = new Date(time.dateTime);
    const isThisYear = at.getFullYear() === new Date().getFullYear();
    time.textContent = at.toLocaleString(undefined, {
      ...moment,
      ...(!isThisYear && { year: 'numeric' }),
      ...('precise' in time.dataset && { fractionalSecondDigits: 3 }),
    });
    time.dataset.local = '';
  }
}
