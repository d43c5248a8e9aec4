import { payload, type DocumentedEvent } from "@dossier/simulator";
import fc, { type Arbitrary } from "fast-check";

/** JSON text of an object's members, so that there may be members that no object could hold. */
type Members = readonly (readonly [name: string, value: string])[];

interface Draft {
  readonly envelope: Members;
  readonly data: Members;
}

const EVENTS: readonly DocumentedEvent[] = [
  "NaturalPersonPending",
  "NaturalPersonStartedIDUpload",
  "NaturalPersonUploadedID",
  "NaturalPersonUploadedSupportingDocument",
  "NaturalPersonManuallyApproved",
  "NaturalPersonAutoApproved",
];

/** Of few persons and few ids, so that many are duplicates and some contradict one another. */
export const draft: Arbitrary<Draft> = fc
  .record({ event: fc.constantFrom(...EVENTS), id: fc.nat(100), person: fc.nat(30), tick: fc.nat(9_999_999) })
  .map(({ event, id, person, tick }) => {
    const { data, ...envelope } = payload({
      event,
      id: String(id),
      entityId: `person-${person}`,
      creationTimeUtc: `2022-02-01T15:09:26.${String(tick).padStart(7, "0")}Z`,
    });
    return { envelope: members(envelope), data: members(data) };
  });

const members = (object: object): Members =>
  Object.entries(object).map(([name, value]) => [JSON.stringify(name), JSON.stringify(value)]);

export function write({ envelope, data }: Draft, extra = ""): Buffer {
  const text = (all: Members) => all.map(([name, value]) => `${name}:${value}`).join(",");
  return Buffer.from(`{${text(envelope)},"data":{${text(data)}}${extra}}`);
}

/** Payloads in which some members have other values, or other names beside their own, or are missing. */
export function altered(values: Arbitrary<string>, names: Arbitrary<string> = fc.constant('"more"')) {
  const alteration = fc.record({
    where: fc.constantFrom("envelope", "data"),
    at: fc.nat(),
    how: fc.constantFrom("replace", "replace", "drop", "add"),
    name: names,
    value: values,
  });
  return fc.tuple(draft, fc.array(alteration, { minLength: 1, maxLength: 4 })).map(([whole, alterations]) =>
    write(
      alterations.reduce<Draft>((drafted, { where, at, how, name, value }) => {
        const all = drafted[where];
        const place = at % (all.length + 1);
        const [kept] = all[place] ?? [name];
        const put: Members =
          how === "drop"
            ? []
            : how === "add"
              ? [[name, value], ...all.slice(place, place + 1)]
              : [[kept, value]];
        return { ...drafted, [where]: [...all.slice(0, place), ...put, ...all.slice(place + 1)] };
      }, whole),
    ),
  );
}
