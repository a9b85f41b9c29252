import { expect, test } from 'vitest';
import { schedulerService } from '../../../services/producer/grpc/protos.ts';
import { withStrictStrings } from '../../../services/producer/grpc/strict-strings.ts';

const method = schedulerService.ScheduleMeet;
const strict = withStrictStrings(method);
const meeting = {
  empid: 'E1',
  emailID: 'a@example.org',
  message: 'Hi~',
  empName: 'Zoë',
  timestamp: '1924905600',
  meeting_id: '',
};

test('reads a request as the decoder does, and finds nothing wrong with it', () => {
  const bytes = method.requestSerialize(meeting);
  expect(strict.requestDeserialize(bytes)).toEqual({ value: meeting, troubles: [] });
});

test('names the text that is not UTF-8', () => {
  const bytes = Buffer.from(method.requestSerialize(meeting));
  bytes[bytes.indexOf('~')] = 0xfc;
  expect(strict.requestDeserialize(bytes).troubles).toEqual([{ field: 'message', message: 'must be UTF-8' }]);
});

test('passes over fields that it does not know', () => {
  const unknown = Buffer.concat([
    // Number 9 as a fixed64, 10 as a varint of ten bytes, 11 as a fixed32.
    Buffer.from([0x49, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0x50, ...Array.from({ length: 9 }, () => 0xff), 0x01]),
    Buffer.from([0x5d, 0xfc, 0xfc, 0xfc, 0xfc]),
    // Number 12 with two bytes, which need not be a text.
    Buffer.from([0x62, 0x02, 0xfc, 0xfc]),
    method.requestSerialize(meeting),
  ]);
  expect(strict.requestDeserialize(unknown).troubles).toEqual([]);
});
