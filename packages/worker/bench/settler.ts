// A settler of settle.ts, in a process of its own. Tells its parent its CPU time when asked.
import type { Places } from "./settle.ts";

const [name = "", places = ""] = process.argv.slice(2);
const { start } = (await import(new URL(name, import.meta.url).href)) as {
  start: (places: Places) => Promise<void>;
};
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.on("disconnect", () => process.exit());
await start(JSON.parse(places) as Places);
