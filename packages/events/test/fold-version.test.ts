import { hash } from "node:crypto";
import { samples, scenario } from "@dossier/simulator";
import { expect, test } from "vitest";
import {
  fold,
  FOLD_VERSION,
  naturalPersonEvents,
  parseDelivery,
  toSearchable,
  type Event,
} from "../src/index.ts";

/** Digests of what each version of the fold makes of the samples and of invented persons. */
const DIGESTS: Readonly<Record<number, string>> = {
  1: "fa0523ab993ca21a86f548067c83c3c9f1bc6eea4dc3682a873c25fb8e7a1b1b",
};

// If this fails and the fold was changed on purpose: raise FOLD_VERSION and add its digest; after the update,
// `dossier rebuild` is needed. If it was not, the change lets old logs give other states.
test("another fold has another version", () => {
  expect(digestOfFold()).toBe(DIGESTS[FOLD_VERSION]);
});

function digestOfFold(): string {
  const { webhooks } = scenario({ persons: 20, seed: 7, duplicates: 0, shuffle: 0 });
  const bodies = [...samples(), ...webhooks].map(({ body }) => body);
  const byEntity = Map.groupBy(bodies.flatMap(parseEvent), ({ entityId }) => entityId);
  const states = [...byEntity].map(([entityId, events]) => fold(entityId, events)?.state);
  const searched = ["Οδυσσεύς", "STRASSE straße", "İı", "Ａ\u00A0ｶﾞ", "Zoe\u0308", "한글", "\0\ud800"].map(
    toSearchable,
  );
  return hash("sha256", JSON.stringify([Object.keys(naturalPersonEvents), states, searched]));
}

function parseEvent(body: Buffer): readonly Event[] {
  const parsed = parseDelivery(body);
  return parsed.ok ? [parsed.value] : [];
}
