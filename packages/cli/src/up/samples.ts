import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSender, retryFor, samples } from "@dossier/simulator";
import type { ConsoleClient } from "../console/client.ts";
import { untilSettled } from "../simulation/check.ts";
import type { Place } from "./welcome.ts";

const PATIENCE_MS = 30_000;

/**
 * Sends the sample payloads, unless they were sent from this data folder before, and waits until they
 * are settled. Rejects where one is not accepted, or the worker does not get to them.
 *
 * @returns whether they were sent now
 */
export async function sendSamples({ dir, ingest, secret }: Place, client: ConsoleClient): Promise<boolean> {
  const marker = join(dir, "samples-sent");
  if (existsSync(marker)) return false;
  const url = new URL("/webhooks/icomply", ingest);
  const sender = createSender({ urls: [url], secret, retry: retryFor(PATIENCE_MS) });
  try {
    for (const { name, body } of samples()) {
      const sent = await sender.send(body);
      if (sent.kind !== "accepted") throw new Error(`${name} was not accepted: ${sent.error}`);
    }
  } finally {
    sender.close();
  }
  const open = await untilSettled(client, PATIENCE_MS);
  if (open > 0) throw new Error(`${open} deliveries are still unsettled`);
  await writeFile(marker, "");
  return true;
}
