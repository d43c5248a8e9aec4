/** Triggers by which Postgres fails or delays what a worker does, and commands that forge what is in Redis. */
import { once } from "node:events";
import { connect } from "node:net";
import type { Pool } from "@dossier/store";
import { waitFor } from "@dossier/testing";

/** Cancels every statement that settles or snoozes a delivery, until `allow`. */
export async function cancelWrites(pool: Pool): Promise<{ allow(): Promise<unknown> }> {
  await pool.query(`
    create function cancel() returns trigger language plpgsql as $$
    begin raise query_canceled; end $$`);
  await pool.query(
    "create trigger cancelled before update or delete on open_deliveries for each row execute function cancel()",
  );
  return { allow: () => pool.query("drop trigger cancelled on open_deliveries") };
}

/** Settles a delivery, as another worker would, when a failed attempt of it is recorded. */
export async function settleOnFailure(pool: Pool): Promise<void> {
  await pool.query(`
    create function settle_meanwhile() returns trigger language plpgsql as $$
    begin
      delete from open_deliveries where delivery_id = new.delivery_id;
      insert into settlements (delivery_id, settled_as) values (new.delivery_id, 'applied');
      return null;
    end $$`);
  await pool.query(
    "create trigger meanwhile after insert on failed_attempts for each row execute function settle_meanwhile()",
  );
}

/** Blocks workers at the insert of events of persons whose ids begin with `slow`. */
export async function blockInserts(pool: Pool) {
  await pool.query(`
    create function block() returns trigger language plpgsql as $$
    begin
      if new.entity_id like 'slow%' then perform pg_advisory_xact_lock_shared(1); end if;
      return new;
    end $$`);
  await pool.query("create trigger block before insert on events for each row execute function block()");
  const connection = await pool.connect();
  await connection.query("select pg_advisory_lock(1)");
  return {
    /** Waits until a worker is blocked. */
    async reached() {
      await waitFor(async () => {
        const { rowCount } = await pool.query(
          `select from pg_locks where locktype = 'advisory' and not granted
             and database = (select oid from pg_database where datname = current_database())`,
        );
        return rowCount !== 0;
      });
    },
    async release() {
      await connection.query("select pg_advisory_unlock(1)");
      connection.release();
    },
  };
}

/** Sends a command to the logical database of Redis that the URL names. */
export async function sendToRedis(redisUrl: string, ...words: readonly string[]): Promise<void> {
  const { hostname, port, pathname } = new URL(redisUrl);
  const socket = connect(Number(port || 6379), hostname).resume();
  socket.write(`SELECT ${pathname.slice(1)}\r\n${words.join(" ")}\r\nQUIT\r\n`);
  await once(socket, "close");
}
