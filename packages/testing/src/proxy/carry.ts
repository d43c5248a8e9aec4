import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { delayMs, vanishes, type Fault, type Way } from "./fault.ts";

/** Held back in one direction, at most, beside what the sockets buffer; beyond it, the sender waits. */
const HELD_BYTES = 1024 * 1024;

interface Carried {
  from: Socket;
  to: Socket;
  way: Way;
  fault(): Fault;
  /** Told whenever something has not arrived. */
  lost(): void;
}

/** Carries what one socket says on to another, as the fault at each moment has it, always in order. */
export function carry({ from, to, way, fault, lost }: Carried): void {
  const queue: { due: number; said: Buffer | "end" }[] = [];
  let held = 0;
  let delivering = false;

  function accept(said: Buffer | "end"): void {
    queue.push({ due: performance.now() + delayMs(fault()), said });
    if (said !== "end") held += said.length;
    if (held >= HELD_BYTES) from.pause();
    if (!delivering) void deliver();
  }

  async function deliver(): Promise<void> {
    delivering = true;
    for (let next = queue.shift(); next; next = queue.shift()) {
      const wait = next.due - performance.now();
      if (wait > 0) await sleep(wait);
      await hand(next.said);
      if (next.said !== "end") held -= next.said.length;
      if (held < HELD_BYTES) from.resume();
    }
    delivering = false;
  }

  async function hand(said: Buffer | "end"): Promise<void> {
    if (to.destroyed || vanishes(fault(), way, said === "end" ? "end" : "bytes")) lost();
    else if (said === "end") to.end();
    else if (!to.write(said)) await new Promise((resolve) => to.once("drain", resolve));
  }

  from.on("data", accept);
  from.once("end", () => accept("end"));
  from.once("close", (reset) => {
    if (!reset) return;
    if (vanishes(fault(), way, "end")) lost();
    else to.resetAndDestroy();
  });
}
