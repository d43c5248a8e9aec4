import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

/** Ids for which random bytes are drawn at once: one draw takes as long as for a single id. */
const DRAWN_AT_ONCE = 128;
const RANDOM_BYTES = 16;

/**
 * Returns a function that makes ids, UUIDs of version 7. Each is greater than the one before, also within a millisecond
 * and if the clock is set back: so one ingest's deliveries stay in the order in which they came.
 *
 * @param now returns milliseconds since 1970
 */
export function createDeliveryIds(now: () => number = Date.now): () => string {
  const random = Buffer.alloc(DRAWN_AT_ONCE * RANDOM_BYTES);
  let used = random.length;
  let msecs = 0;
  let seq = 0;

  return () => {
    if (used === random.length) {
      randomFillSync(random);
      used = 0;
    }
    const bytes = random.subarray(used, (used += RANDOM_BYTES));
    const time = now();
    // Begins in the lower half of 32 bits, so that what is left is never used up.
    seq = time > msecs ? bytes.readUInt32BE() >>> 1 : seq + 1;
    msecs = Math.max(msecs, time);
    return v7({ random: bytes, msecs, seq });
  };
}
