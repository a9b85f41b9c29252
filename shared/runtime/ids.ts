import { v7 } from 'uuid';

/** A new id of a notification: UUID v7, so that ids sort by the time of acceptance. */
export function newId(): string {
  return v7();
}

/** The smallest UUID v7 of an instant: every id made before it sorts below. */
export function idFloor(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}
