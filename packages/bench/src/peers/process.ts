// The process of a peer.
import { answerCalls } from "../child.ts";
import type { Places } from "./peer.ts";

/** Starts a peer. Returns its port if it takes webhooks. It calls `onSettled` with how many deliveries it has settled. */
type Start = (places: Places, onSettled: (deliveries: number) => void) => Promise<number | void>;

let settled = 0;

answerCalls(async (argument: "settled" | { readonly module: string; readonly places: Places }) => {
  if (argument === "settled") return settled;
  const { start } = (await import(argument.module)) as { start: Start };
  return start(argument.places, (deliveries) => (settled += deliveries));
});
