import { encode, payload } from "@dossier/simulator";
import { freshDatabase } from "@dossier/testing";
import { v7 } from "uuid";
import type { TestContext } from "vitest";
import { migrate, openPool, recordDeliveries, settle, type Pool } from "../../src/index.ts";

/** A record of its own for one test, in which deliveries come and die. */
export async function freshGraveyard(context: TestContext) {
  const { url, drop } = await freshDatabase({ name: "store", make: migrate });
  context.onTestFinished(() => drop());
  const pool = openPool(url, { name: "test", size: 4 });
  context.onTestFinished(() => pool.end());

  async function receive(...bodies: readonly Buffer[]): Promise<string[]> {
    const deliveries = bodies.map((body) => ({
      deliveryId: v7(),
      body,
      headers: { "user-agent": "iComply" },
      verifiedBy: "signature" as const,
      secretFingerprint: "sha256:0",
    }));
    await recordDeliveries(pool, deliveries);
    return deliveries.map(({ deliveryId }) => deliveryId);
  }

  return {
    pool,
    receive,
    /** Receives and settles, all in one batch. */
    async take(...bodies: readonly Buffer[]): Promise<string[]> {
      const deliveryIds = await receive(...bodies);
      await settle(pool, deliveryIds, "1.0.0");
      return deliveryIds;
    },
    /** Every row of every table, by the table's name. */
    async everything(): Promise<Record<string, unknown[]>> {
      const { rows: tables } = await pool.query<{ name: string }>(
        "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
      );
      const contents = tables.map(async ({ name }) => {
        const { rows } = await pool.query<{ row: string }>(
          `select ${name}::text as row from ${name} order by 1`,
        );
        return [name, rows.map(({ row }) => row)] as const;
      });
      return Object.fromEntries(await Promise.all(contents));
    },
  };
}

/** The step of a person's file that an event of this id stands for. */
export function pending(entityId: string, id = "1", entity = "John Doe"): Buffer {
  return encode(payload({ event: "NaturalPersonPending", entityId, id, data: { entity } }));
}

export function invalid(marker = "somewhere"): Buffer {
  return encode({ ...payload({ event: "NaturalPersonPending" }), id: "", marker });
}

export const unparsable = Buffer.from("not JSON at all");

/** The code refuses this person's events, until it is mended. */
export async function breakFolding(pool: Pool, entityId: string): Promise<{ mend(): Promise<unknown> }> {
  await pool.query(`
    create function refuse_event() returns trigger language plpgsql as $$
    begin
      if new.entity_id = tg_argv[0] then raise exception 'broken' using errcode = '22023'; end if;
      return new;
    end $$`);
  await pool.query(
    `create trigger broken before insert on events for each row execute function refuse_event('${entityId}')`,
  );
  return { mend: () => pool.query("drop trigger broken on events") };
}
