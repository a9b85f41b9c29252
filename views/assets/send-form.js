// Shows the fields of the chosen channel only, keeps the preview up to date, and ignores a second click. Without script all fields show,
// the preview has its button, and the server's key guards.
const form = document.querySelector('[data-send-form]');
const previewButton = form.querySelector('[data-preview]');
const previewPart = document.querySelector('[data-preview-part]');
const PREVIEW_AFTER_MS = 300;

function showFields() {
  const type = new FormData(form).get('type');
  for (const field of form.querySelectorAll('[data-only]'))
    field.hidden = !field.dataset.only.split(' ').includes(type);
}

/** There is nothing to see of a message without words. */
function hasWords() {
  const fields = new FormData(form);
  return ['subject', 'message', 'html'].some((name) => fields.get(name) !== '');
}

/** Into a new frame each time: a frame's first page makes no entry in the history. It takes the old one's place when it is there. */
function preview() {
  previewPart.classList.toggle('filled', hasWords());
  if (!hasWords()) return;
  const old = document.querySelector('iframe.preview');
  const fresh = old.cloneNode();
  fresh.name = `preview-${Date.now()}`;
  fresh.hidden = true;
  old.after(fresh);
  previewButton.formTarget = fresh.name;
  fresh.addEventListener('load', () => {
    fresh.hidden = false;
    for (
      let before = fresh.previousElementSibling;
      before?.matches('iframe.preview');
      before = fresh.previousElementSibling
    )
      before.remove();
  });
  form.requestSubmit(previewButton);
}

let waiting;
function previewSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(preview, PREVIEW_AFTER_MS);
}

let sent = false;
form.addEventListener('change', showFields);
form.addEventListener('input', previewSoon);
form.addEventListener('submit', (event) => {
  if (event.submitter === previewButton) return;
  if (sent) event.preventDefault();
  sent = true;
});
// A page that comes back from the history can be sent again.
addEventListener('pageshow', () => (sent = false));
showFields();
preview();
previewButton.hidden = true;
