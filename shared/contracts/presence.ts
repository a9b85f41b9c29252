import type { Channel } from './channels.ts';

/** How one provider does, as a consumer that hands over to it says. */
export interface ProviderStanding {
  name: string;
  is_paused: boolean;
  /** Handed over to it and not answered yet; where it is the only one, claimed and not recorded yet. */
  in_flight: number;
  breaker: 'closed' | 'open' | 'half-open';
  /** Share of the provider's faults among the last outcomes, 0 to 1. */
  fault_ratio: number;
  /** What it took since the process started. */
  sent: number;
  /** How hand-overs to it ended within the hour; those put off are not counted. */
  last_hour: { sent: number; failed: number };
  /** Deliveries at once that it takes, where it has refused more; it rises again by itself. */
  concurrency_limit?: number;
  /** Since when its breaker is not closed. */
  down_since?: Date;
}

/** What a running process of the fleet says about itself every few seconds, for the pages. */
export interface Presence {
  _id: string;
  /** As operators know it: producer, email, sms, in_app, scheduler. */
  service: string;
  host: string;
  pid: number;
  started_at: Date;
  /** When it last said so. One that says nothing any more has gone, or cannot reach the store. */
  beat_at: Date;
  status: 'ok' | 'degraded' | 'unavailable';
  /** What is wrong, in words; empty when it is ok. */
  troubles: string[];
  /** Of a consumer. */
  delivery?: {
    channel: Channel;
    /** In the order in which they are tried. */
    providers: ProviderStanding[];
    /** The whole channel, by its own pause or because all of its providers are. */
    is_paused: boolean;
    /** Claimed and not recorded yet. */
    in_flight: number;
  };
}
