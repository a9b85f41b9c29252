// Shows every moment in the viewer's own zone, in the one way that all pages have; the exact one stays on hover. Without this script: UTC.

const digits = (count, length = 2) => String(count).padStart(length, '0');

/** A moment as all pages show it, such as 2026-11-22 07:34:47, in the viewer's zone. */
export function inWords(at, isPrecise = false) {
  const day = [digits(at.getFullYear(), 4), digits(at.getMonth() + 1), digits(at.getDate())].join('-');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((count) => digits(count)).join(':');
  return `${day} ${time}${isPrecise ? `.${digits(at.getMilliseconds(), 3)}` : ''}`;
}

/** Says once which zone that is, by its name: in summer and in winter it is another distance from UTC. */
function nameZone() {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  for (const words of document.querySelectorAll('[data-zone]')) words.textContent = timeZone;
}

/** Fields of a time are in the viewer's zone too, and say so; what is sent has its zone. The server writes and reads UTC. */
export function readLocalTimes() {
  nameZone();
  const fields = [...document.querySelectorAll('input[type=datetime-local]')];
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
    time.textContent = inWords(new Date(time.dateTime), 'precise' in time.dataset);
    time.dataset.local = '';
  }
}
