import { encode, eventTypeOf } from "./payload.ts";
import type { Random } from "./random.ts";
import { utc, type Ticks } from "./ticks.ts";

/** Fields that no page of iComply's names, and that change nothing. */
export const undocumented = { riskScore: 0.25, tags: ["a", "é"], review: { by: null } };

/**
 * The bytes of one send. The sender's releases differ in how they write the same event, and a
 * release may come between an event and its retry.
 */
export function message(
  told: { event: string; id: string; data: object; at: Ticks; attempt?: number | undefined },
  random: Random,
): Buffer {
  const { event, id, data, at, attempt } = told;
  const creationTimeUtc = written(at, random);
  const plain = { id, event, eventType: eventTypeOf(event), data, creationTimeUtc, attempt };
  const renamed = { event: undefined, webhookEvent: event };
  switch (random.below(40)) {
    case 0:
      return encode({ ...plain, ...undocumented });
    case 1:
      return encode({ ...plain, ...renamed });
    case 2:
      return encode(pascalCase({ ...plain, data: pascalCase(data) }));
    case 3:
      return encode(pascalCase({ ...plain, ...renamed, data: pascalCase(data) }));
    default:
      return encode(plain);
  }
}

/** Without its zone now and then, or without the trailing zeros that .NET's serializers drop. */
function written(at: Ticks, random: Random): string {
  const full = utc(at);
  const trimmed = random.chance(0.3) ? full.replace(/\.?0+Z$/, "Z") : full;
  return random.chance(0.05) ? trimmed.slice(0, -1) : trimmed;
}

function pascalCase(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.charAt(0).toUpperCase() + name.slice(1), value]),
  );
}
