// Keeps one notification's state up to date: the stream says when, the server's own fragment says what. Without the stream, it polls.
const region = document.querySelector('[data-live]');
const announcer = document.querySelector('[data-live-announcer]');
const FINAL = [
  'sent',
  'delivered',
  'bounced',
  'failed_permanently',
  'outcome_unknown',
  'suppressed',
  'expired',
  'canceled',
  'discarded',
];
const POLL_MS = 2000;
let lastStatus = statusOf();
let timer;

const stream = new EventSource(`${region.dataset.live}/live`);
stream.addEventListener('changed', refresh);
stream.addEventListener('error', () => {
  // A refused stream is closed for good; a cut one comes back by itself.
  if (stream.readyState === EventSource.CLOSED) poll();
});
addEventListener('pagehide', () => stream.close());
poll();

/** Events only wake; a lost one must not leave the page behind. Ends with the notification. */
function poll() {
  clearTimeout(timer);
  if (FINAL.includes(statusOf())) return;
  timer = setTimeout(async () => {
    await refresh();
    poll();
  }, POLL_MS);
}

async function refresh() {
  try {
    const response = await fetch(`${region.dataset.live}/state`);
    if (!response.ok) return;
    const html = await response.text();
    // A focused button must not vanish under the finger.
    if (html !== region.innerHTML && !region.contains(document.activeElement)) region.innerHTML = html;
    announce();
  } catch {
    // The server is away: what is shown keeps its value, and the next poll tries again.
  }
}

function announce() {
  const status = statusOf();
  if (status !== lastStatus && FINAL.includes(status))
    announcer.textContent = `It is ${region.querySelector('.tag').textContent.trim()} now.`;
  lastStatus = status;
}

function statusOf() {
  return region.querySelector('[data-status]').dataset.status;
}
