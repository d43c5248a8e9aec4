/** What a network can do to the connections that run over it. */
export type Fault =
  | { kind: "none" }
  /** Resets every connection, and each new one as soon as it is accepted. */
  | { kind: "cut" }
  /** Everything arrives `ms` milliseconds late, in each direction. */
  | { kind: "delay"; ms: number }
  /** The target's bytes never arrive, and neither side learns that the other has ended. */
  | { kind: "half-open" }
  /** Nothing arrives; new connections are accepted, and never reach the target. */
  | { kind: "black-hole" };

/** From the client to the target, or back. */
export type Way = "there" | "back";

export function delayMs(fault: Fault): number {
  return fault.kind === "delay" ? fault.ms : 0;
}

/** Whether what is sent this way does not arrive. */
export function vanishes(fault: Fault, way: Way, what: "bytes" | "end"): boolean {
  switch (fault.kind) {
    case "none":
    case "cut":
    case "delay":
      return false;
    case "half-open":
      return way === "back" || what === "end";
    case "black-hole":
      return true;
  }
}
