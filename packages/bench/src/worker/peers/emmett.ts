// Emmett's Postgres event store with an inline projection: a stream a person, and one append a webhook. There is no queue.
import { CommandHandler, projections, type Event } from "@event-driven-io/emmett";
import { getPostgreSQLEventStore, pongoSingleStreamProjection } from "@event-driven-io/emmett-postgresql";
import pg from "pg";
import type { Places } from "../../peers/peer.ts";
import { evolve, INITIAL, parse, type Payload, type Person } from "../../peers/persons.ts";

const CONCURRENCY = 10;

type Received = Event<"Received", Payload>;

/** The events of a person by identity, of redeliveries the earliest. */
type Stream = Readonly<Record<string, Payload>>;

const identify = ({ event, id }: Payload) => `${event} ${id}`;
const timeOf = ({ creationTimeUtc }: Payload) => Date.parse(creationTimeUtc);
const add = (stream: Stream, data: Payload): Stream => ({ ...stream, [identify(data)]: data });

const handle = CommandHandler<Stream, Received>({
  initialState: () => ({}),
  evolve: (stream, { data }) => add(stream, data),
});

type Projected = {
  readonly events: Stream;
  readonly state: Person;
};

/** The events are kept with the state, since they come in any order. */
const projection = pongoSingleStreamProjection<Projected, Received>({
  collectionName: "persons",
  canHandle: ["Received"],
  initialState: () => ({ events: {}, state: INITIAL }),
  evolve({ events: before }: Projected, { data }: Received) {
    const events = add(before, data);
    const inOrder = Object.values(events).toSorted((a, b) => timeOf(a) - timeOf(b));
    return { events, state: inOrder.reduce(evolve, INITIAL) };
  },
});

export async function fill({ databaseUrl }: Places, bodies: readonly Buffer[]): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  await pool.query("create table waiting (id bigint generated always as identity, body bytea)");
  for (const body of bodies) await pool.query("insert into waiting (body) values ($1)", [body]);
  await pool.end();
}

export async function start({ databaseUrl }: Places, onSettled: (deliveries: number) => void): Promise<void> {
  const store = getPostgreSQLEventStore(databaseUrl, { projections: projections.inline([projection]) });
  await store.schema.migrate();
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const { rows } = await pool.query<{ body: Buffer }>("select body from waiting order by id");
  const waiting = rows.values();
  await pool.end();

  async function settle({ body }: { readonly body: Buffer }): Promise<void> {
    const data = parse(body);
    await handle(
      store,
      data.data.entityId,
      (stream) => {
        const known = stream[identify(data)];
        return known !== undefined && timeOf(known) <= timeOf(data) ? [] : { type: "Received", data };
      },
      { retry: { onVersionConflict: true } },
    );
    onSettled(1);
  }

  async function settleInTurn(): Promise<void> {
    for (const one of waiting) await settle(one);
  }

  // The first one alone, as it creates the projection's table.
  const first = waiting.next();
  if (first.done !== true) await settle(first.value);
  for (let n = 0; n < CONCURRENCY; n++) void settleInTurn();
}
