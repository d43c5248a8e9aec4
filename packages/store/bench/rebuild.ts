// How fast the projection is folded anew from the log, and in how much memory.
//
//   node bootstrap.mjs node packages/store/bench/rebuild.ts --events 100000,1000000
import { rebuild } from "../src/index.ts";
import { atEachSize, timed } from "./log.ts";

await atEachSize(import.meta.filename, async (url) => {
  await timed("events, dry run", async () => (await rebuild(url, { dryRun: true })).events);
  await timed("events, rebuilt and switched", async () => (await rebuild(url)).events);
});
