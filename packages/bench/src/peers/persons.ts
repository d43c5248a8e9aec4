// What peers do with webhooks: as small as it can be, and still right for webhooks that come again, perhaps with a later
// time, or in any order. It keeps no bytes of a webhook, no hash chain, no feed of changes and no dead letters.

export const TABLES = `
  create table events (
    entity_id text, event text, id text, time timestamptz, data json, primary key (entity_id, event, id));
  create table persons (entity_id text primary key, state json)`;

export type Payload = {
  readonly event: string;
  readonly id: string;
  readonly creationTimeUtc: string;
  readonly data: { readonly entityId: string; readonly [field: string]: unknown };
};

type Row = Pick<Payload, "event" | "data"> & { readonly entity_id: string };

type Query = (text: string, values: unknown[]) => Promise<{ readonly rows: readonly Row[] }>;

/** Applies webhooks to their persons, in the caller's transaction. Persons are locked in one order. */
export async function applyWebhooks(query: Query, payloads: readonly Payload[]): Promise<void> {
  const persons = [...new Set(payloads.map(({ data }) => data.entityId))].toSorted();
  await query("select pg_advisory_xact_lock(hashtextextended(id, 0)) from unnest($1::text[]) as id", [
    persons,
  ]);
  await query(
    `insert into events
     select distinct on (entity_id, event, id) *
     from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::json[]) as _ (entity_id, event, id, time, data)
     order by entity_id, event, id, time
     on conflict (entity_id, event, id) do update set time = excluded.time where excluded.time < events.time`,
    [
      payloads.map(({ data }) => data.entityId),
      payloads.map(({ event }) => event),
      payloads.map(({ id }) => id),
      payloads.map(({ creationTimeUtc }) => creationTimeUtc),
      payloads.map(({ data }) => JSON.stringify(data)),
    ],
  );
  const { rows } = await query(
    "select entity_id, event, data from events where entity_id = any ($1::text[]) order by time, event, id",
    [persons],
  );
  const states = new Map<string, Person>();
  for (const row of rows) states.set(row.entity_id, evolve(states.get(row.entity_id) ?? INITIAL, row));
  await query(
    `insert into persons select * from unnest($1::text[], $2::json[])
     on conflict (entity_id) do update set state = excluded.state`,
    [[...states.keys()], [...states.values()].map((state) => JSON.stringify(state))],
  );
}

const STEPS = [
  "NaturalPersonPending",
  "NaturalPersonStartedIDUpload",
  "NaturalPersonUploadedID",
  "NaturalPersonUploadedSupportingDocument",
  "NaturalPersonManuallyApproved",
  "NaturalPersonAutoApproved",
];

export type Person = {
  /** The furthest step of all. */
  readonly step: number;
  readonly [field: string]: unknown;
};

export const INITIAL: Person = { step: -1 };

/** The last value of each field counts. Unknown events are kept, and change nothing. */
export function evolve(person: Person, { event, data }: Pick<Payload, "event" | "data">): Person {
  const step = STEPS.indexOf(event);
  return step === -1 ? person : { ...person, ...data, step: Math.max(person.step, step) };
}

/** Some releases of the sender write names with a capital letter, and `WebhookEvent` for `event`. */
export function parse(body: Buffer): Payload {
  const payload = lowerNames(JSON.parse(body.toString()) as Names);
  return {
    event: String(payload["event"] ?? payload["webhookEvent"]),
    id: String(payload["id"]),
    creationTimeUtc: String(payload["creationTimeUtc"]),
    data: lowerNames(payload["data"] as Names) as Payload["data"],
  };
}

type Names = Readonly<Record<string, unknown>>;

function lowerNames(object: Names): Names {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name.charAt(0).toLowerCase() + name.slice(1), value]),
  );
}
