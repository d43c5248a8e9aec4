// A settler of settle.ts, in a process of its own. Tells its parent when it begins, and its CPU time since then.
import type { Places } from "./settle.ts";

const [name = "", places = ""] = process.argv.slice(2);
const { start } = (await import(new URL(name, import.meta.url).href)) as {
  start: (places: Places) => Promise<void>;
};
const before = process.cpuUsage();
process.send?.("started");
process.on("message", () => {
  const { user, system } = process.cpuUsage(before);
  process.send?.(user + system);
});
process.on("disconnect", () => process.exit());
await start(JSON.parse(places) as Places);
