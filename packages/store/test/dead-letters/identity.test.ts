import { expect, test, vi } from "vitest";
import { findIdentity } from "../../src/index.ts";
import { pendingBody, record, useDatabase } from "../fixture.ts";

vi.mock("@dossier/events", async (original) => ({
  ...(await original<object>()),
  parseDelivery: () => {
    throw new TypeError("a fault of the parser");
  },
}));

const database = useDatabase();

test("a delivery that the parser fails at has no identity, and throws nothing", async () => {
  const { pool } = database;
  const [deliveryId] = await record(pool, [pendingBody("a")]);
  expect(await findIdentity(pool, deliveryId!)).toBeUndefined();
});
