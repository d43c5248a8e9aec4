import { FOLD_VERSION } from "@dossier/events";
import { expect, test } from "vitest";
import { findRebuildNeed, rebuild } from "../../src/index.ts";
import { tamper, useRecord } from "../database.ts";
import { eventBody } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

const NOT_NEEDED = { needed: false, outdatedPersons: 0, unfoldedPersons: 0, eventsKnownNow: {} };

test("no rebuild is needed for what this code folded, events of unknown types included", async () => {
  await database.recordAndSettle(eventBody("a"), eventBody("a", { event: "Rejected" }));
  expect(await findRebuildNeed(database.pool)).toEqual(NOT_NEEDED);
});

test("a rebuild is needed after an update that knows a type, until it has been done", async () => {
  await database.recordAndSettle(eventBody("a"), eventBody("b"), eventBody("c", { event: "Rejected" }));
  // As code that does not know the type would have left it.
  await tamper(
    database.pool,
    "update events set recognised = false where entity_id = 'a'",
    `update natural_persons set fold_version = ${FOLD_VERSION - 1}`,
  );
  expect(await findRebuildNeed(database.pool)).toEqual({
    needed: true,
    outdatedPersons: 3,
    unfoldedPersons: 0,
    eventsKnownNow: { NaturalPersonPending: 1 },
  });
  await rebuild(database.url);
  expect(await findRebuildNeed(database.pool)).toEqual(NOT_NEEDED);
});

test("a rebuild is needed after a return to an earlier version of the fold", async () => {
  await database.recordAndSettle(eventBody("a"));
  await tamper(database.pool, `update natural_persons set fold_version = ${FOLD_VERSION + 1}`);
  expect(await findRebuildNeed(database.pool)).toMatchObject({ needed: true, outdatedPersons: 1 });
});

test("a rebuild is needed for persons who are not folded yet, beyond the first 1,000 too", async () => {
  await tamper(
    database.pool,
    "insert into streams select 'p' || n, 1, '' from generate_series(10001, 11101) as _ (n)",
    `insert into natural_persons select entity_id, 'pending', false, '', '{}', 0, '', '', ${FOLD_VERSION} from streams
     where entity_id < 'p11101'`,
  );
  expect(await findRebuildNeed(database.pool)).toMatchObject({ needed: true, unfoldedPersons: 1 });
});

test("events of a type that is known now are counted beyond 1,000 that were folded again", async () => {
  await tamper(
    database.pool,
    "insert into streams select 'p' || n, 1, '' from generate_series(10001, 11101) as _ (n)",
    `insert into events select entity_id, 1, 'NaturalPersonPending', '1', 0, '{}', '', gen_random_uuid(), now(),
       '', '', 1, 1, false from streams`,
    `insert into natural_persons select entity_id, 'pending', false, '', '{}', 0, '', '', ${FOLD_VERSION} from streams`,
    "update natural_persons set fold_version = 0 where entity_id = 'p11101'",
  );
  expect(await findRebuildNeed(database.pool)).toMatchObject({
    needed: true,
    outdatedPersons: 1,
    eventsKnownNow: { NaturalPersonPending: 1 },
  });
});
