import { expect, test, vi } from "vitest";
import { bury, listDeadLetters } from "../../src/index.ts";
import { freshGraveyard, pending } from "../dead-letters/graveyard.ts";

vi.mock("@dossier/events", async (original) => ({
  ...(await original<object>()),
  readDelivery: () => {
    throw new TypeError("a fault of the reader");
  },
}));

test("a delivery that this code cannot even read is buried all the same", async (context) => {
  const { pool, receive } = await freshGraveyard(context);
  const [deliveryId] = await receive(pending("a"));
  const letter = { deliveryId: deliveryId!, reason: "fold-failed", message: "m", issues: [] } as const;
  expect(await bury(pool, letter, "1.0.0")).toBe(true);
  expect(await listDeadLetters(pool, {}, { limit: 1 })).toMatchObject([{ deliveryId, entityId: null }]);
});
