// Shows the fields of the chosen channel only, and ignores a second click. Without script all fields show, and the server's key guards.
const form = document.querySelector('[data-send-form]');

function showFields() {
  const type = new FormData(form).get('type');
  for (const field of form.querySelectorAll('[data-only]'))
    field.hidden = !field.dataset.only.split(' ').includes(type);
}

let sent = false;
form.addEventListener('change', showFields);
form.addEventListener('submit', (event) => {
  if (sent) event.preventDefault();
  sent = true;
});
// A page that comes back from the history can be sent again.
addEventListener('pageshow', () => (sent = false));
showFields();
