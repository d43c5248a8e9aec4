import fc from "fast-check";

/** What a client does with one connection, and how it must be answered. */
export interface Case {
  readonly category: string;
  /** Written one after the other, each in a turn of the event loop of its own. */
  readonly segments: readonly Uint8Array[];
  /** What follows when all is written: wait for the answer, end the sending side, or reset the connection. */
  readonly afterwards: "wait" | "half-close" | "reset";
  /** The statuses that are right; `none` is a connection that ends without an answer. */
  readonly right: readonly (number | "none")[];
}

const SHOWN = 600;

/** A case whose printed form fits on a page, whatever its size. */
export function makeCase(given: Case): Case {
  const shown = () => {
    const bytes = Buffer.concat(given.segments);
    const text = JSON.stringify(bytes.subarray(0, SHOWN).toString("latin1"));
    return `${given.category}, right: ${given.right.join(" or ")}, ${given.segments.length} segments of ${bytes.length} bytes in all, then ${given.afterwards}: ${text}`;
  };
  return Object.defineProperty({ ...given }, fc.toStringMethod, { value: shown, enumerable: false });
}
