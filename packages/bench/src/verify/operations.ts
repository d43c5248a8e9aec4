// A verification of all evidence, and what a bare script needs to read the same bytes, hash each entry and each body once,
// and fold.
import { hash } from "node:crypto";
import { fold, fromLog, parseJson, type Event, type JsonObject } from "@dossier/events";
import { openPool, verifyEvidence } from "@dossier/store";
import pg from "pg";
import { copyOut, NULL } from "../copy.ts";
import { answerOperations } from "../operation.ts";

answerOperations({
  async verify(url) {
    const pool = openPool(url, { name: "bench", size: 2 });
    const { events, redeliveries, findings } = await verifyEvidence(pool);
    await pool.end();
    if (findings.length > 0) throw new Error(`the log does not verify: ${JSON.stringify(findings)}`);
    return events + redeliveries;
  },
  "COPY out, hash, fold": readHashFold,
});

async function readHashFold(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  let entries = 0;
  let events: Event[] = [];
  for await (const fields of copyOut(
    client,
    `select entity_id, event, id, ticks, data, digest, received_at, hash, headers, body
     from (
       select entity_id, seq, event, id, ticks, data, delivery_id, hash from events
       union all select entity_id, seq, event, id, ticks, null, delivery_id, hash from redeliveries
     ) as entries join deliveries using (delivery_id)
     order by entity_id, seq`,
  )) {
    const [entityId = "", event = "", id = "", ticks = "", data = ""] = fields;
    entries += 1;
    hash("sha256", fields.slice(0, -1).join());
    hash("sha256", Buffer.from(fields.at(-1)?.slice(2) ?? "", "hex"));
    if (events[0] !== undefined && events[0].entityId !== entityId) {
      fold(events[0].entityId, events);
      events = [];
    }
    if (data !== NULL)
      events.push(
        fromLog({ entityId, event, id, ticks: BigInt(ticks), data: parseJson(data) as JsonObject }),
      );
  }
  if (events[0] !== undefined) fold(events[0].entityId, events);
  await client.end();
  return entries;
}
