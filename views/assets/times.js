// Shows every moment in the viewer's own zone, and says which that is; the exact one stays on hover. Without this script: UTC.
const moment = {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
};

/** Fields of a time are in the viewer's zone too, and say so; what is sent has its zone. The server writes and reads UTC. */
export function readLocalTimes() {
  const fields = [...document.querySelectorAll('input[type=datetime-local]')];
  const zone = new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' })
    .formatToParts()
    .find(({ type }) => type === 'timeZoneName');
  for (const words of document.querySelectorAll('[data-zone]')) words.textContent = `(${zone.value})`;
  for (const field of fields) {
    const at = new Date(`${field.value}Z`);
    if (!Number.isNaN(at.getTime()))
      field.value = new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }
  addEventListener('formdata', ({ formData, target }) => {
    for (const { name, value, form } of fields)
      if (form === target && value !== '') formData.set(name, new Date(value).toISOString());
  });
}

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
