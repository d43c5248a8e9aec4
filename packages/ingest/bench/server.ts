// A server of webhooks.ts, in a process of its own: `ingest`, or the `limit` of what its parts allow. Reports its port to
// its parent, and its CPU time when asked.
import type { Places, Server } from "./webhooks.ts";

const [name = "", places = ""] = process.argv.slice(2);
const { start } = (await import(new URL(name, import.meta.url).href)) as { start: Server };
process.send?.(await start(JSON.parse(places) as Places));
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.on("disconnect", () => process.exit());
