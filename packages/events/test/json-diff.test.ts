import { expect, test } from "vitest";
import { diffJson } from "../src/index.ts";

const person = { name: "Jane", approval: { kind: "manual", at: null }, documents: [{ id: "1" }] };

test("equal values have no differences", () => {
  expect(diffJson(person, structuredClone(person))).toEqual([]);
});

test.each([
  ["a value", { ...person, name: "John" }, ["name"]],
  ["a nested value", { ...person, approval: { kind: "auto", at: null } }, ["approval.kind"]],
  ["null in place of an object", { ...person, approval: null }, ["approval"]],
  ["an added item", { ...person, documents: [{ id: "1" }, { id: "2" }] }, ["documents.1"]],
  ["an added field", { ...person, extra: 1 }, ["extra"]],
  ["an object in place of an array", { ...person, documents: { 0: { id: "1" } } }, ["documents"]],
])("%s is reported by its path", (_, found, paths) => {
  expect(diffJson(person, found).map(({ path }) => path)).toEqual(paths);
  expect(diffJson(found, person).map(({ path }) => path)).toEqual(paths);
});
