/** The time as a process sees it. Leases never depend on it: they use the database's clock. */
export interface Clock {
  now(): Date;
}

/** The clock of this machine. */
export const systemClock: Clock = { now: () => new Date() };
