import type { Row } from "./result.ts";

/** What one side, such as our own or a peer, is measured as. */
export interface Side {
  readonly keys: readonly string[];
  /** Measures once. Each figure's name has its unit. */
  measure(round: number): Promise<Readonly<Record<string, number>>>;
}

/**
 * Measures all sides once in each round, in turns, so that what else happens on the machine meets all alike. Every
 * other round goes the other way.
 */
export async function takeTurns(sides: readonly Side[], rounds: number): Promise<readonly Row[]> {
  const measured = new Map<Side, Record<string, number>[]>(sides.map((side) => [side, []]));
  for (let round = 0; round < rounds; round++)
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      process.stderr.write(`round ${round + 1} of ${rounds}: ${side.keys.join(", ")}\n`);
      measured.get(side)?.push(await side.measure(round));
    }
  return [...measured].map(([{ keys }, values]) => ({
    keys,
    figures: Object.fromEntries(
      Object.keys(values[0] ?? {}).map((name) => [name, values.map((one) => one[name] ?? Number.NaN)]),
    ),
  }));
}
