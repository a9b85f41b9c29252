// Fetches the list again when something arrived: the same page, of which only the list is taken.
const stream = new EventSource('/live');
stream.addEventListener('changed', async () => {
  const response = await fetch('/');
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  document
    .querySelector('[data-live-list]')
    .replaceChildren(...page.querySelector('[data-live-list]').childNodes);
});
addEventListener('pagehide', () => stream.close());
