// Keeps the list up to date: the stream says when, the server's own page says what. Without the stream, it polls.
const FETCH_GAP_MS = 400;
const POLL_MS = 3_000;
const AGES_MS = 10_000;
const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

const list = document.querySelector('[data-live-list]');
const announcer = document.querySelector('[data-announcer]');
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
let stream;
let polling;
let fetching = false;
let wanted = false;
let held;

unfold();
addEventListener('hashchange', unfold);
showAges(document);
setInterval(() => showAges(document), AGES_MS);
// Only the first page follows arrivals; an older one stands still.
if (list) {
  watch();
  document.addEventListener('visibilitychange', watch);
  addEventListener('pagehide', stop);
  addEventListener('pageshow', watch);
  list.addEventListener('focusout', showHeld);
}

/** A link to something folded opens it. */
function unfold() {
  document.getElementById(location.hash.slice(1))?.setAttribute('open', '');
}

/** One stream for a page that is looked at: browsers open only six connections to a place. */
function watch() {
  if (document.hidden) {
    stop();
    return;
  }
  if (stream && stream.readyState !== EventSource.CLOSED) return;
  clearInterval(polling);
  stream = new EventSource('/live');
  // What arrived while nobody listened.
  stream.addEventListener('open', refresh);
  stream.addEventListener('changed', refresh);
  stream.addEventListener('error', () => {
    // A cut stream comes back by itself; a refused one is closed for good.
    if (stream?.readyState !== EventSource.CLOSED) return;
    clearInterval(polling);
    polling = setInterval(refresh, POLL_MS);
  });
}

function stop() {
  stream?.close();
  stream = undefined;
  clearInterval(polling);
}

/** Fetches at once, then not again for a moment: a thousand arrivals must not be a thousand fetches. */
async function refresh() {
  wanted = true;
  if (fetching) return;
  fetching = true;
  while (wanted) {
    wanted = false;
    await fetchList();
    await new Promise((resolve) => setTimeout(resolve, FETCH_GAP_MS));
  }
  fetching = false;
}

async function fetchList() {
  try {
    const response = await fetch('/');
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const fresh = page.querySelector('[data-live-list]');
    if (idsOf(fresh) === idsOf(list)) return;
    held = fresh;
    // What has the focus must not vanish under the finger.
    if (list.querySelector('table, .empty') && list.contains(document.activeElement))
      announce('The mailbox has changed; the list waits while you are in it.');
    else showHeld();
  } catch {
    // The sandbox is away: what is shown keeps its value.
  }
}

function showHeld(event) {
  if (!held || list.contains(event?.relatedTarget ?? null)) return;
  const more = Number(held.dataset.total) - Number(list.dataset.total);
  list.dataset.total = held.dataset.total;
  list.replaceChildren(...held.childNodes);
  held = undefined;
  showAges(list);
  announce(more > 0 ? `${more} new ${more === 1 ? 'message' : 'messages'}.` : '');
}

function announce(words) {
  if (announcer.textContent !== words) announcer.textContent = words;
}

function idsOf(node) {
  return Array.from(node.querySelectorAll('[data-id]'), (row) => row.dataset.id).join();
}

function showAges(root) {
  for (const time of root.querySelectorAll('time')) {
    const seconds = Math.min(0, Math.round((Date.parse(time.dateTime) - Date.now()) / 1000));
    const [unit, size] = UNITS.find(([, many]) => -seconds >= many) ?? ['second', 1];
    const age = relative.format(Math.trunc(seconds / size), unit);
    if (time.textContent !== age) time.textContent = age;
  }
}
