import { createLogin } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { createDatabase, ingest } from "./harness.ts";

test("ingest does not start with another service's login", async (context) => {
  const DATABASE_URL = await createLogin(await createDatabase(context), "console");
  await expect(ingest(context, { DATABASE_URL, REDIS_URL: undefined })).rejects.toThrow("rights of ingest");
});

test("ingest warns of a login without time limits", async (context) => {
  const DATABASE_URL = await createDatabase(context);
  const { logged } = await ingest(context, { DATABASE_URL, REDIS_URL: undefined });
  expect(logged("no-time-limits")).toHaveLength(1);
});
