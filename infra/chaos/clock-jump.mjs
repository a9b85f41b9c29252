/**
 * Loaded into one process of a run (`node --import`): each SIGUSR2 makes its clock jump, ten minutes ahead, then ten minutes behind the true
 * time, then true again.
 */
const TEN_MINUTES = 600_000;
const OFFSETS = [0, TEN_MINUTES, -TEN_MINUTES];
let jumps = 0;

globalThis.Date = new Proxy(Date, {
  /** @returns {object} */
  construct: (date, given, constructor) => {
    /** @type {unknown} */
    const made = Reflect.construct(date, given.length === 0 ? [now(date)] : given, constructor);
    return /** @type {object} */ (made);
  },
  get: (date, name) => (name === 'now' ? () => now(date) : /** @type {unknown} */ (Reflect.get(date, name))),
});

process.on('SIGUSR2', () => {
  jumps += 1;
});

/**
 * @param {DateConstructor} date
 * @returns {number}
 */
function now(date) {
  return date.now() + (OFFSETS[jumps % OFFSETS.length] ?? 0);
}
