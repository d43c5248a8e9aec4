import { foldFailed, parseDelivery, type Outcomes } from "@dossier/events";
import { encode, payload, type EventData } from "@dossier/simulator";
import { freshDatabase, type Scope } from "@dossier/testing";
import { v7 } from "uuid";
import {
  deadLetter,
  ensureRoles,
  migrate,
  openPool,
  recordDeliveries,
  recordFailedAttempt,
  settle,
  type Delivery,
  type Pool,
  type RoleName,
} from "../src/index.ts";

/** A record for tests, with what ingest and the worker do to it. */
export interface TestRecord {
  /** Of a superuser. */
  readonly url: string;
  readonly pool: Pool;
  /** Records bodies in one commit. Returns their deliveries' ids. */
  record(...bodies: readonly (Buffer | string)[]): Promise<string[]>;
  settle(deliveryIds: readonly string[]): Promise<Outcomes>;
  /** Records bodies and settles them in one batch. Returns their deliveries' ids. */
  recordAndSettle(...bodies: readonly (Buffer | string)[]): Promise<string[]>;
  /** Records a body whose one attempt fails, so that it becomes a dead letter `fold-failed`. Returns its id. */
  recordAndExhaust(body: Buffer | string, error?: string): Promise<string>;
  /** Returns each delivery's status: `open`, its settlement, or of a dead letter the reason. */
  statuses(deliveryIds: readonly string[]): Promise<string[]>;
  /** Returns a statement's rows. */
  rows<Row extends object>(statement: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Returns every row of every table as text, by the table's name. */
  dump(): Promise<Record<string, string[]>>;
}

export interface TestRecordOptions {
  /** Of a migrated database. Default: a new one, dropped when the scope ends. */
  readonly url?: string;
  /** Connections of the pool. The default is enough for statements that wait for a lock that a test holds. */
  readonly size?: number;
}

/**
 * Returns the URL of a login of this role, which it creates. It is dropped together with a fresh database.
 *
 * @param url of a migrated database, as its owner
 * @param grant gives the role further rights
 */
export async function createLogin(
  url: string,
  role: RoleName,
  grant: (roles: readonly string[]) => Promise<void> = async () => undefined,
): Promise<string> {
  const login = new URL(url);
  login.username = `${login.pathname.slice(1)}_${role}`;
  login.password = `password of ${role}`;
  const roles = await ensureRoles(url, { [role]: login.href });
  await grant([roles[role]]);
  return login.href;
}

/** Opens a record until the scope, most often a test, ends. */
export async function openRecord(scope: Scope, options: TestRecordOptions = {}): Promise<TestRecord> {
  const url = options.url ?? (await migratedDatabase(scope));
  const pool = openPool(url, { name: "test", size: options.size ?? 9, timeoutMs: 60_000 });
  scope.onTestFinished(() => pool.end());

  async function record(...bodies: readonly (Buffer | string)[]): Promise<string[]> {
    const deliveries = bodies.map((body) => delivery(body));
    await recordDeliveries(pool, deliveries);
    return deliveries.map(({ deliveryId }) => deliveryId);
  }

  async function rows<Row extends object>(
    statement: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    return (await pool.query<Row>(statement, [...values])).rows;
  }

  return {
    url,
    pool,
    record,
    rows,
    settle: (deliveryIds) => settle(pool, deliveryIds, "test"),
    async recordAndSettle(...bodies) {
      const deliveryIds = await record(...bodies);
      // One call settles as many as fit into a transaction.
      for (let left = deliveryIds; left.length > 0;) {
        const outcomes = await settle(pool, left, "test");
        left = left.filter((deliveryId) => !outcomes.has(deliveryId));
      }
      return deliveryIds;
    },
    async recordAndExhaust(body, error = "TypeError: broken") {
      const [deliveryId = ""] = await record(body);
      const stack = "    at fold (evolve.ts:1:1)";
      await recordFailedAttempt(pool, { deliveryId, error, stack, codeVersion: "test" }, [1]);
      const parsed = parseDelivery(Buffer.from(body));
      const identity = parsed.ok ? parsed.value : parsed.error.identity;
      await deadLetter(pool, deliveryId, foldFailed(1, error, identity), "test");
      return deliveryId;
    },
    async statuses(deliveryIds) {
      const found = await rows<{ delivery_id: string; status: string }>(SELECT_STATUSES, [deliveryIds]);
      const byId = new Map(found.map(({ delivery_id, status }) => [delivery_id, status]));
      return deliveryIds.map((deliveryId) => byId.get(deliveryId) ?? "not recorded");
    },
    async dump() {
      const tables = await rows<{ name: string }>(SELECT_TABLES);
      const contents = tables.map(async ({ name }) => {
        const found = await rows<{ row: string }>(`select ${name}::text as row from ${name} order by 1`);
        return [name, found.map(({ row }) => row)] as const;
      });
      return Object.fromEntries(await Promise.all(contents));
    },
  };
}

/** Returns the URL of a new database with the store's tables alone. */
export async function migratedDatabase(scope: Scope): Promise<string> {
  const { url, drop } = await freshDatabase({ name: "store", make: migrate });
  scope.onTestFinished(drop);
  return url;
}

const SELECT_STATUSES = `
  select delivery_id, coalesce(
    case settled_as when 'dead-lettered' then (
      select reason from dead_letters where dead_letters.delivery_id = deliveries.delivery_id
      order by dead_letter_id desc limit 1) else settled_as end,
    'open') as status
  from deliveries left join settlements using (delivery_id)
  where delivery_id = any ($1)`;

const SELECT_TABLES = `
  select relname as name from pg_class
  where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`;

/** Returns a delivery as ingest records it. */
export function delivery(body: Buffer | string, overrides: Partial<Delivery> = {}): Delivery {
  return {
    deliveryId: v7(),
    body: Buffer.from(body),
    headers: { "content-type": "application/json", "user-agent": "iComply" },
    verifiedBy: "signature",
    secretFingerprint: "sha256:0",
    ...overrides,
  };
}

/** Returns the body of a webhook about a person. */
export function eventBody(
  entityId: string,
  overrides: {
    event?: string;
    id?: string;
    creationTimeUtc?: string;
    attempt?: number;
    data?: EventData;
  } = {},
): Buffer {
  return encode(payload({ event: "NaturalPersonPending", id: "1", entityId, ...overrides }));
}

export const UNPARSABLE_BODY = Buffer.from("not JSON at all");

/** Returns a body that is JSON and no valid event. Different markers make different bodies. */
export function invalidBody(marker = "somewhere"): Buffer {
  return encode({ ...payload({ event: "NaturalPersonPending" }), id: "", marker });
}

/** Makes Postgres refuse a person's events with this SQLSTATE, as if the code failed at them, until `allow`. */
export async function refuseEvents(
  pool: Pool,
  entityId: string,
  sqlstate = "22023",
): Promise<{ allow(): Promise<unknown> }> {
  await pool.query(`
    create function refuse_event() returns trigger language plpgsql as $$
    begin
      if new.entity_id = tg_argv[0] then
        raise exception 'broken by "%"', new.data using errcode = '${sqlstate}';
      end if;
      return new;
    end $$`);
  await pool.query(
    `create trigger refuse_event before insert on events for each row execute function refuse_event('${entityId}')`,
  );
  return { allow: () => pool.query("drop trigger refuse_event on events; drop function refuse_event") };
}
