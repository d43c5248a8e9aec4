// A rebuild, and what a bare script that does nothing else needs for the same rows.
import { fold, fromLog, parseJson, toSearchable, type Event, type JsonObject } from "@dossier/events";
import { rebuild } from "@dossier/store";
import pg from "pg";
import { copyIn, copyOut } from "../copy.ts";
import { answerOperations } from "../operation.ts";

answerOperations({
  "rebuild --dry-run": async (url) => (await rebuild(url, { dryRun: true })).events,
  rebuild: async (url) => (await rebuild(url)).events,
  "COPY out, fold": (url) => foldAll(url, { write: false }),
  "COPY out, fold, COPY in": (url) => foldAll(url, { write: true }),
});

async function foldAll(url: string, { write }: { readonly write: boolean }): Promise<number> {
  const [reader, writer] = [new pg.Client(url), new pg.Client(url)];
  await Promise.all([reader.connect(), writer.connect()]);
  const counter = { events: 0 };
  const rows = foldPersons(reader, counter);
  if (write) {
    await writer.query("create temporary table copied (like natural_persons)");
    await copyIn(writer, "copied", rows);
  } else for await (const _ of rows);
  await Promise.all([reader.end(), writer.end()]);
  return counter.events;
}

/** Returns each person as a row of `natural_persons`. */
async function* foldPersons(
  client: pg.Client,
  counter: { events: number },
): AsyncGenerator<readonly unknown[]> {
  let events: Event[] = [];
  for await (const [entityId = "", event = "", id = "", ticks = "", data = ""] of copyOut(
    client,
    "select entity_id, event, id, ticks, data from events order by entity_id",
  )) {
    if (events[0] !== undefined && events[0].entityId !== entityId) {
      yield toRow(events);
      events = [];
    }
    events.push(fromLog({ entityId, event, id, ticks: BigInt(ticks), data: parseJson(data) as JsonObject }));
    counter.events += 1;
  }
  if (events.length > 0) yield toRow(events);
}

function toRow(events: readonly Event[]): readonly unknown[] {
  const folded = fold(events[0]?.entityId ?? "", events);
  if (folded === undefined) throw new Error("a person has no events");
  const { state, last, foldVersion } = folded;
  const search = [state.name, state.email, state.entityId].filter((part) => part !== null).map(toSearchable);
  return [
    state.entityId,
    state.status,
    state.reviewNeeded,
    search.join("\n"),
    JSON.stringify(state),
    last.ticks,
    last.event,
    last.id,
    foldVersion,
  ];
}
