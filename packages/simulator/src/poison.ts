import { encode, payload } from "./payload.ts";
import { Random } from "./random.ts";

/** A body that is signed well, is answered 200, and belongs to nobody's file. */
export type Poison = {
  readonly body: Buffer;
  /** The reason under which it must become a dead letter. */
  readonly reason: "unparsable" | "invalid-event";
};

/** `count` bodies that no code can place, each with the reason for which it is a dead letter. */
export function* poison({ count, seed }: { count: number; seed: number }): Generator<Poison> {
  const random = new Random(seed, "poison");
  for (let n = 0; n < count; n++) {
    const whole = payload({
      event: "NaturalPersonUploadedID",
      id: String(n),
      entityId: random.uuid(),
    });
    yield random.chance(0.5)
      ? { body: random.pick(unparsable)(encode(whole), random), reason: "unparsable" }
      : { body: encode({ ...whole, ...random.pick(invalid) }), reason: "invalid-event" };
  }
}

const unparsable = [
  (body: Buffer, random: Random) => body.subarray(0, random.below(body.length)),
  (body: Buffer) => Buffer.concat([body, Buffer.from("}")]),
  (body: Buffer) => Buffer.concat([Buffer.from([0xff]), body]),
  (body: Buffer) => Buffer.from(body.toString().replace("John", "Jo\0hn")),
] as const;

const invalid = [
  { id: undefined },
  { id: "" },
  { event: undefined },
  { creationTimeUtc: undefined },
  { creationTimeUtc: "yesterday" },
  { creationTimeUtc: "2022-02-30T15:09:26.1712603Z" },
  { data: undefined },
  { data: [] },
  { data: { sessionId: "1", documentType: "passport" } },
  { data: { sessionId: "1", entityId: "2" } },
] as const;
