import { isUtf8 } from 'node:buffer';
import type { MethodDefinition } from '@grpc/proto-loader';
import protobuf from 'protobufjs/minimal.js';
import type { Reading } from '../../../shared/runtime/strict-json.ts';

/** Protobuf's wire type of texts, bytes and messages. Requests have no bytes and no messages. */
const LENGTH_DELIMITED = 2;

/** Has a method read its requests with what is wrong with their texts: the decoder replaces what is not UTF-8 by U+FFFD. */
export function withStrictStrings<Request, Response>(
  method: MethodDefinition<Request, Response>,
): MethodDefinition<Reading, Response> {
  const { field: fields } = method.requestType.type as { field: { name: string; number: number }[] };
  const names = new Map(fields.map(({ name, number }) => [number, name]));
  const requestDeserialize = (bytes: Buffer): Reading => ({
    value: method.requestDeserialize(bytes),
    troubles: textsOf(bytes).flatMap(({ number, text }) => {
      const field = names.get(number);
      return field === undefined || isUtf8(text) ? [] : [{ field, message: 'must be UTF-8' }];
    }),
  });
  return { ...method, requestDeserialize } as unknown as MethodDefinition<Reading, Response>;
}

/** The fields of a message that have a length. */
function textsOf(bytes: Buffer): { number: number; text: Uint8Array }[] {
  const reader = protobuf.Reader.create(bytes);
  const texts: { number: number; text: Uint8Array }[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const [number, wireType] = [tag >>> 3, tag & 7];
    if (wireType === LENGTH_DELIMITED) texts.push({ number, text: reader.bytes() });
    else reader.skipType(wireType);
  }
  return texts;
}
