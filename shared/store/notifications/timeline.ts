import { TIMELINE_KEEPS } from '../../contracts/index.ts';

const MAX_ENTRIES = TIMELINE_KEEPS.first + TIMELINE_KEEPS.last;

/**
 * The fields of a `$set` stage that append one entry, given as an expression. A full timeline loses its oldest entry behind the first ones, and
 * `timeline_omitted` counts what it lost.
 */
export function withTimelineEntry(entry: object): Record<'timeline' | 'timeline_omitted', object> {
  const isFull = { $gte: [{ $size: '$timeline' }, MAX_ENTRIES] };
  const first = { $slice: ['$timeline', TIMELINE_KEEPS.first] };
  // Room for the new one.
  const last = { $slice: ['$timeline', 1 - TIMELINE_KEEPS.last] };
  const kept = { $cond: [isFull, { $concatArrays: [first, last] }, '$timeline'] };
  const omittedBefore = { $ifNull: ['$timeline_omitted', 0] };
  const omitted = { $add: [omittedBefore, { $subtract: [{ $size: '$timeline' }, MAX_ENTRIES - 1] }] };
  return {
    timeline: { $concatArrays: [kept, [entry]] },
    timeline_omitted: { $cond: [isFull, omitted, '$timeline_omitted'] },
  };
}
