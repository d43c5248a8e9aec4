// How fast the evidence is verified, and in how much memory.
//
//   node bootstrap.mjs node packages/store/bench/evidence.ts --events 100000,1000000
import { openPool, verify } from "../src/index.ts";
import { atEachSize, timed } from "./log.ts";

await atEachSize(import.meta.filename, async (url) => {
  const pool = openPool(url, { name: "bench", size: 1 });
  await timed("entries verified", async () => {
    const { events, redeliveries, findings } = await verify(pool);
    if (findings.length > 0) throw new Error(`the log does not verify: ${JSON.stringify(findings)}`);
    return events + redeliveries;
  });
  await pool.end();
});
