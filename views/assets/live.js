// Keeps a part of the page up to date: the stream says when, the server's own fragment says what. Without a stream, it polls.
import { showLocalTimes } from './times.js';

const region = document.querySelector('[data-live]');
const announcer = document.querySelector('[data-live-announcer]');
const POLL_MS = 2000;
const STREAMS = 4;
let lastStatus = statusOf();
let shown;
let timer;

if ('stream' in region.dataset && !isFinal()) listenIfFew();
poll();

/** Browsers open six connections to a server at most, and a stream keeps one: the tabs of one browser share four, the others poll. */
function listenIfFew(place = 1) {
  if (!navigator.locks || place > STREAMS) return;
  navigator.locks.request(`tidings stream ${place}`, { ifAvailable: true }, (lock) => {
    if (!lock) {
      listenIfFew(place + 1);
      return undefined;
    }
    listen();
    // Held as long as this page is there.
    return new Promise((resolve) => addEventListener('pagehide', resolve));
  });
}

function listen() {
  const stream = new EventSource(`${region.dataset.live}/live`);
  stream.addEventListener('changed', refresh);
  // A cut one comes back by itself; without a refused one the page is asked every two seconds, as it is anyway.
  addEventListener('pagehide', () => stream.close());
}

/** Events only wake; a lost one must not leave the page behind. Ends with the notification. */
function poll() {
  clearTimeout(timer);
  if (isFinal()) return;
  timer = setTimeout(async () => {
    if (!document.hidden) await refresh();
    poll();
  }, POLL_MS);
}

async function refresh() {
  try {
    const response = await fetch(`${region.dataset.live}/state`);
    // The session is over: the page itself leads to the sign-in, and back.
    if (response.status === 401) location.reload();
    if (!response.ok) return;
    const html = await response.text();
    if (html === shown) return;
    // A focused button must not vanish under the finger; what only scrolls may.
    if (region.querySelector(':is(a, button, input, select, summary):focus')) {
      hold(true);
      return;
    }
    hold(false);
    show(html);
    announce();
  } catch {
    // The server is away: what is shown keeps its value, and the next poll tries again.
  }
}

function show(html) {
  const focused = region.querySelector(':focus')?.getAttribute('aria-label');
  region.innerHTML = html;
  showLocalTimes(region);
  if (focused) region.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  shown = html;
}

/** Says that something newer waits until the focus leaves what it would replace. */
function hold(isHeld) {
  const note = document.querySelector('[data-held]');
  if (isHeld && !note) {
    const words = document.createElement('p');
    words.className = 'hint';
    words.dataset.held = '';
    words.textContent = 'Updates wait while you are on a button or link here.';
    region.before(words);
  }
  if (!isHeld) note?.remove();
}

function announce() {
  const status = statusOf();
  if (announcer && status !== lastStatus && isFinal())
    announcer.textContent = `It is ${region.querySelector('[data-status]').textContent.trim().toLowerCase()} now.`;
  lastStatus = status;
}

function isFinal() {
  return region.querySelector('[data-final]') !== null;
}

function statusOf() {
  return region.querySelector('[data-status]')?.dataset.status;
}
