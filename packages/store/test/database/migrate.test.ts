import { freshDatabase } from "@dossier/testing";
import { expect, test } from "vitest";
import { migrate } from "../../src/index.ts";
import { queryAs } from "../database.ts";

test("a database in another encoding than UTF-8 is refused", async (context) => {
  const { url, drop } = await freshDatabase();
  context.onTestFinished(drop);
  const latin = new URL(url);
  const name = `${latin.pathname.slice(1)}_latin1`;
  latin.pathname = name;
  await queryAs(url, `create database ${name} encoding 'LATIN1' locale 'C' template template0`);
  context.onTestFinished(async () => void (await queryAs(url, `drop database ${name} with (force)`)));
  await expect(migrate(latin.href)).rejects.toThrow("encoding is LATIN1");
});

test("pg_trgm may be in a schema of its own", async (context) => {
  const { url, drop } = await freshDatabase();
  context.onTestFinished(drop);
  await queryAs(url, "create schema extensions; create extension pg_trgm schema extensions");
  await migrate(url);
  expect(
    await queryAs(url, "select indexdef from pg_indexes where indexname = 'person_search_by_part'"),
  ).toEqual({
    indexdef: expect.stringContaining("extensions.gin_trgm_ops") as string,
  });
});
