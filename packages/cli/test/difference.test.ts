import { expect, test } from "vitest";
import { differences } from "../src/simulation/difference.ts";

const file = { name: "Jane", approval: { kind: "manual", at: null }, documents: [{ id: "1" }] };

test("equal files have no differences", () => {
  expect(differences(file, structuredClone(file))).toEqual([]);
});

test.each([
  ["a value", { ...file, name: "John" }, ["name"]],
  ["a value further in", { ...file, approval: { kind: "auto", at: null } }, ["approval.kind"]],
  ["null in place of an object", { ...file, approval: null }, ["approval"]],
  ["one more in a list", { ...file, documents: [{ id: "1" }, { id: "2" }] }, ["documents.1"]],
  ["a field too many", { ...file, extra: 1 }, ["extra"]],
  ["an object in place of a list", { ...file, documents: { 0: { id: "1" } } }, ["documents"]],
])("%s is found by its path", (_, found, paths) => {
  expect(differences(file, found)).toEqual(paths);
  expect(differences(found, file)).toEqual(paths);
});
