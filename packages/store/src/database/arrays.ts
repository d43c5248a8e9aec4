import pg from "pg";

const { BYTEA } = pg.types.builtins;

/** The bytes before an array's first element: dimensions, flags, type, length, first index. */
const HEAD_BYTES = 20;

/**
 * Returns a `bytea[]` in Postgres' binary format, as a parameter. pg itself would write each element in hexadecimal, and
 * the whole as text.
 */
export function byteaArray(values: readonly Uint8Array[]): Buffer {
  return binaryArray(BYTEA, values);
}

function binaryArray(type: number, values: readonly Uint8Array[]): Buffer {
  const bytes = values.reduce((sum, { length }) => sum + 4 + length, HEAD_BYTES);
  const array = Buffer.allocUnsafe(bytes);
  let at = 0;
  // An empty array has no dimension; Postgres takes one of no element as well.
  for (const field of [1, 0, type, values.length, 1]) at = array.writeInt32BE(field, at);
  for (const value of values) {
    at = array.writeInt32BE(value.length, at);
    array.set(value, at);
    at += value.length;
  }
  return array;
}
