import { naturalPersonEvents } from "@dossier/events";
import { payload } from "@dossier/simulator";
import fc, { type Arbitrary } from "fast-check";

/** An object's members as JSON text, so that there can be duplicate names, and values that no JavaScript value has. */
type Members = readonly (readonly [name: string, value: string])[];

interface Payload {
  readonly envelope: Members;
  readonly data: Members;
}

/** Valid payloads of few persons with few ids, so that many are duplicates and some contradict each other. */
export const validPayload: Arbitrary<Payload> = fc
  .record({
    event: fc.constantFrom(...Object.keys(naturalPersonEvents)),
    id: fc.nat(100),
    person: fc.nat(30),
    tick: fc.nat(9_999_999),
  })
  .map(({ event, id, person, tick }) => {
    const { data, ...envelope } = payload({
      event,
      id: String(id),
      entityId: `person-${person}`,
      creationTimeUtc: `2022-02-01T15:09:26.${String(tick).padStart(7, "0")}Z`,
    });
    return { envelope: toMembers(envelope), data: toMembers(data) };
  });

function toMembers(object: object): Members {
  return Object.entries(object).map(([name, value]) => [JSON.stringify(name), JSON.stringify(value)]);
}

/** Returns the payload's bytes. `suffix` is put at the end of the envelope. */
export function encodePayload({ envelope, data }: Payload, suffix = ""): Buffer {
  const join = (members: Members) => members.map(([name, value]) => `${name}:${value}`).join(",");
  return Buffer.from(`{${join(envelope)},"data":{${join(data)}}${suffix}}`);
}

/** The bytes of payloads with 1 to 4 members replaced, dropped or added. `values` and `names` are JSON text. */
export function mutatedPayload(
  values: Arbitrary<string>,
  names: Arbitrary<string> = fc.constant('"more"'),
): Arbitrary<Buffer> {
  const mutation = fc.record({
    object: fc.constantFrom("envelope", "data"),
    at: fc.nat(),
    kind: fc.constantFrom("replace", "replace", "drop", "add"),
    name: names,
    value: values,
  });
  return fc
    .tuple(validPayload, fc.array(mutation, { minLength: 1, maxLength: 4 }))
    .map(([valid, mutations]) =>
      encodePayload(
        mutations.reduce<Payload>((mutated, { object, at, kind, name, value }) => {
          const members = mutated[object];
          const index = at % (members.length + 1);
          const [oldName] = members[index] ?? [name];
          const inserted: Members =
            kind === "drop"
              ? []
              : kind === "add"
                ? [[name, value], ...members.slice(index, index + 1)]
                : [[oldName, value]];
          return {
            ...mutated,
            [object]: [...members.slice(0, index), ...inserted, ...members.slice(index + 1)],
          };
        }, valid),
      ),
    );
}
