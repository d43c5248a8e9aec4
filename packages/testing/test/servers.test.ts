import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { Client } from "pg";
import { expect, test } from "vitest";
import { freshDatabase, freshRedis } from "../src/index.ts";

async function sql(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

test("each fresh database is empty and shares nothing with another", async () => {
  const [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
  await sql(one.url, "create table t (n int)");
  await expect(sql(other.url, "select * from t")).rejects.toThrow('relation "t" does not exist');
});

test("a template is made once, however many copies are asked for at the same time", async () => {
  let made = 0;
  const template = {
    name: "counted",
    async make(url: string) {
      made++;
      await sql(url, "create table t as select 1 as n");
    },
  };
  const copies = await Promise.all([1, 2, 3, 4].map(() => freshDatabase(template)));
  for (const { url } of copies) expect(await sql(url, "select n from t")).toEqual([{ n: 1 }]);
  expect(made).toBe(1);
});

test("a dropped database is gone, even while a connection to it is open", async () => {
  const database = await freshDatabase();
  const client = new Client({ connectionString: database.url });
  client.on("error", () => {});
  await client.connect();
  await database.drop();
  await expect(sql(database.url, "select 1")).rejects.toThrow("does not exist");
});

test("a fresh Redis is empty, whatever was in it before", async (context) => {
  const url = await freshRedis(context);
  expect(await ask(url, "SET k v")).toBe("+OK");
  expect(await ask(url, "DBSIZE")).toBe(":1");
  expect(await freshRedis(context)).toBe(url);
  expect(await ask(url, "DBSIZE")).toBe(":0");
});

/** Redis' answer to one command, on the logical database that the URL names. */
async function ask(url: string, command: string): Promise<string | undefined> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`SELECT ${pathname.slice(1)}\r\n${command}\r\nQUIT\r\n`);
  return (await text(socket)).split("\r\n")[1];
}
