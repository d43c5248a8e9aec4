import { randomBytes } from "node:crypto";
import type { TestProject } from "vitest/node";
import { config } from "../config.ts";
import { findServers, say, type Servers } from "./find.ts";
import { dropDatabases } from "./fresh-database.ts";

declare module "vitest" {
  interface ProvidedContext {
    servers: Servers;
    /** Tells this run's databases from those of others on a given server. */
    run: string;
  }
}

/** Once for a whole vitest run: the servers that its tests share. */
export default async function globalSetup(project: TestProject): Promise<() => Promise<void>> {
  const { servers, stop } = await findServers();
  const missing = Object.values(servers).flatMap((found) => ("missing" in found ? [found.missing] : []));
  for (const reason of missing)
    say(`!!! ${reason}: what needs it ${config.ci ? "FAILS" : "DOES NOT RUN"} !!!`);

  const run = randomBytes(4).toString("hex");
  project.provide("servers", servers);
  project.provide("run", run);
  return async () => {
    if (config.databaseUrl !== undefined) await dropDatabases(config.databaseUrl, run);
    await stop();
  };
}
