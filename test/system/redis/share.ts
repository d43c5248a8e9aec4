import { needs } from "@dossier/testing";
import { afterAll, type TestContext } from "vitest";

/** Called once in a file, returns what starts the servers that its tests share. They stop after the file's last test. */
export function share<Servers extends { stop(): Promise<void> }>(start: () => Promise<Servers>) {
  let servers: Promise<Servers> | undefined;
  afterAll(async () => (await servers)?.stop());
  return (context: TestContext): Promise<Servers> => {
    needs(context, "redisServer");
    return (servers ??= start());
  };
}
