import type { DeadLetterFilter } from './requests.ts';

/** What can be done to many dead letters at once. */
export const BULK_KINDS = ['redrive', 'discard'] as const;

/** The record of one act on many dead letters: what was ordered, by whom and why, and how far it has come. */
export interface BulkAct {
  /** Chosen by whoever orders it, so that ordering twice does it once. */
  _id: string;
  kind: (typeof BULK_KINDS)[number];
  actor: string;
  reason: string;
  filter: DeadLetterFilter;
  /** Only of what this one has submitted, who may not act on more. */
  caller?: string;
  /** Redriven per second at most. */
  rate?: number;
  /** Dead letters that matched when it began. */
  matched: number;
  changed: number;
  started_at: Date;
  /** When it last came a step further. */
  beat_at: Date;
  ended_at?: Date;
  outcome?: 'done' | 'aborted' | 'interrupted' | 'failed';
  error?: string;
  abort_wanted?: true;
}
