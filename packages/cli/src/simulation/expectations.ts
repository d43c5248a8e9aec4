import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { STATUSES, type Person, type Status } from "@dossier/events";
import { print } from "../terminal/stdout.ts";

export type Statuses = Readonly<Record<Status, number>>;

/** Counts the statuses that the persons must have in the end. */
export function countStatuses(persons: Iterable<Person>): Statuses {
  const statuses = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
  for (const { status } of persons) statuses[status]++;
  return statuses;
}

/** Writes what each person's file must be as a line of JSON; the file `-` is stdout. */
export async function writeExpectations(persons: Iterable<Person>, file: string): Promise<void> {
  function* lines() {
    for (const person of persons) yield `${JSON.stringify(person)}\n`;
  }
  if (file === "-") await print(lines());
  else await pipeline(lines, createWriteStream(file));
}
