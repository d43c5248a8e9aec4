// pg-boss as in the other peer, with two batches at once, as our worker has.
import type { Places } from "../../peers/peer.ts";
import { startLoops } from "./pg-boss.ts";

export { fill } from "./pg-boss.ts";

export const start = (places: Places, onSettled: (deliveries: number) => void) =>
  startLoops(places, onSettled, 2);
