import { describe, expect, onTestFinished, test } from "vitest";
import { fold, naturalPersonEvents, recognise, toPerson, type NaturalPersonEvent } from "../src/index.ts";
import { ENVELOPE, parsed } from "./parsing.ts";
import { eventAt, minute } from "./state-change.ts";

describe("a type that this code does not know", () => {
  test("is no error: its events are parsed, with any data", () => {
    expect(recognise("NotYetKnown", { entity: 5 })).toEqual({ kind: "unknown-type" });
    expect(parsed({ ...ENVELOPE, event: "NotYetKnown" })).toMatchObject({
      event: "NotYetKnown",
      content: "unrecognised",
    });
  });

  test("is folded from the same log once the code knows it", () => {
    const refold = () => {
      const passport = { documentType: "passport", sessionId: "s1" };
      const log = [eventAt(1, "NaturalPersonPending"), eventAt(2, "NaturalPersonUploadedID", passport)];
      const folded = fold("e", log);
      return folded && toPerson(folded.state);
    };
    const learn = forget("NaturalPersonUploadedID");

    const before = refold();
    expect(before).toMatchObject({
      status: "pending",
      identityDocuments: [],
      unrecognisedEvents: 1,
      version: 2,
    });
    learn();
    expect(refold()).toEqual({
      ...before,
      status: "id-uploaded",
      identityDocuments: [{ type: "passport", sessionId: "s1", startedAt: null, uploadedAt: minute(2) }],
      unrecognisedEvents: 0,
    });
  });
});

/** Makes this code one that does not know the type yet. Returns a function that makes it known again. */
function forget(event: NaturalPersonEvent["event"]): () => void {
  const schemas: Record<string, unknown> = naturalPersonEvents;
  const complete = { ...schemas };
  const learn = () => {
    // In the same order as before.
    for (const type of Object.keys(schemas)) delete schemas[type];
    Object.assign(schemas, complete);
  };
  delete schemas[event];
  onTestFinished(learn);
  return learn;
}
