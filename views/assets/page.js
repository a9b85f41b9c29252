// What every page does: times of the viewer's zone, and the focus where something is wrong, until that is corrected.
import { readLocalTimes, showLocalTimes } from './times.js';

showLocalTimes();
readLocalTimes();
document.querySelector('#summary')?.focus();
document.addEventListener('input', ({ target }) => takeBack(target.closest('.field.wrong')));

/** What is being corrected is wrong no longer, as far as we know: whether it is right is said when it is sent. */
function takeBack(field) {
  if (!field) return;
  field.classList.remove('wrong');
  for (const error of field.querySelectorAll('.error')) error.remove();
  for (const input of field.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  const summary = document.querySelector('#summary');
  for (const { id } of [field, ...field.querySelectorAll('[id]')])
    summary
      ?.querySelector(`a[href="#${CSS.escape(id)}"]`)
      ?.closest('li')
      .remove();
  if (!summary || summary.querySelector('li')) return;
  summary.remove();
  document.title = document.title.replace(/^Error: /, '');
}
