export interface BodyBudgetOptions {
  /** Bytes that all bodies may hold together. */
  readonly totalBytes: number;
  /** Of these, the bytes that are kept for small bodies, so that a few large ones cannot shut them out. */
  readonly reservedBytes: number;
  /** The greatest size of a small body, in bytes. */
  readonly smallBytes: number;
}

/** One body's share of the budget. */
export interface BodyShare {
  /** Sets the share to this many bytes. Returns false, and holds nothing, if it was this body that had to be dropped. */
  resize(bytes: number): boolean;
  /** Returns what is held. Does nothing the second time. */
  close(): void;
}

export interface BodyBudget {
  /** @param onDropped called when the body must release its memory, as another one needs it */
  open(onDropped: () => void): BodyShare;
}

interface Holder {
  bytes: number;
  readonly onDropped: () => void;
}

/**
 * Returns a budget of the memory for bodies that are being read, which anybody can send. If a body needs more than is
 * left, whichever has been unfinished longest is dropped: an honest sender's body is complete within milliseconds, so it
 * is hardly ever the oldest. There is no limit by address, as behind a load balancer all senders have the same one.
 */
export function createBodyBudget({ totalBytes, reservedBytes, smallBytes }: BodyBudgetOptions): BodyBudget {
  /** The one that has been unfinished longest comes first. */
  const holders = new Set<Holder>();
  let held = 0;
  let heldByLarge = 0;

  const isLarge = (bytes: number) => bytes > smallBytes;

  function setBytes(holder: Holder, bytes: number): void {
    held += bytes - holder.bytes;
    heldByLarge += (isLarge(bytes) ? bytes : 0) - (isLarge(holder.bytes) ? holder.bytes : 0);
    holder.bytes = bytes;
  }

  /** Returns whose end would make room for so many bytes more, or `undefined` if there is room. */
  function findVictim(holder: Holder, bytes: number): Holder | undefined {
    const noRoomForLarge =
      isLarge(bytes) &&
      heldByLarge - (isLarge(holder.bytes) ? holder.bytes : 0) + bytes > totalBytes - reservedBytes;
    if (!noRoomForLarge && held - holder.bytes + bytes <= totalBytes) return undefined;
    const frees = ({ bytes }: Holder) => (noRoomForLarge ? isLarge(bytes) : bytes > 0);
    return holders.values().find((other) => other === holder || frees(other));
  }

  function close(holder: Holder): void {
    setBytes(holder, 0);
    holders.delete(holder);
  }

  return {
    open(onDropped) {
      const holder: Holder = { bytes: 0, onDropped };
      holders.add(holder);
      return {
        resize(bytes) {
          let victim: Holder | undefined;
          while ((victim = findVictim(holder, bytes)) !== undefined) {
            close(victim);
            victim.onDropped();
            if (victim === holder) return false;
          }
          setBytes(holder, bytes);
          return true;
        },
        close: () => close(holder),
      };
    },
  };
}
