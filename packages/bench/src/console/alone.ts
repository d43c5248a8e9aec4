import { cpuSeconds } from "../cpu.ts";
import type { PageVisit } from "./pages.ts";
import { open, signIn } from "./visit.ts";

export interface AloneOptions {
  readonly url: string;
  readonly token: string;
  /** The same pages in each round. The first round is not measured. */
  readonly rounds: readonly (readonly PageVisit[])[];
  readonly pids: Readonly<Record<string, number | undefined>>;
}

/** A page that one reader read again and again, while nothing else happened. */
export interface PageAlone {
  readonly name: string;
  /** In milliseconds, of each visit. */
  readonly times: readonly number[];
  /** CPU time of each process, in milliseconds for a visit. */
  readonly cpu: readonly number[];
}

/** Opens each page some times. Other load on the machine hardly changes its CPU time. */
export async function readAlone({ url, token, rounds, pids }: AloneOptions): Promise<readonly PageAlone[]> {
  const cookie = await signIn(url, token);
  const pages: PageAlone[] = [];
  for (const [index, { name }] of (rounds[0] ?? []).entries()) {
    const [first, ...others] = rounds.map((round) => round[index]);
    // Prepares the statements.
    if (first !== undefined) await open(url, cookie, first);
    const before = await Promise.all(Object.values(pids).map(cpuSeconds));
    const times: number[] = [];
    for (const visit of others) if (visit !== undefined) times.push((await open(url, cookie, visit)).ms);
    const after = await Promise.all(Object.values(pids).map(cpuSeconds));
    pages.push({
      name,
      times,
      cpu: after.map((used, n) => ((used - (before[n] ?? 0)) * 1_000) / others.length),
    });
  }
  return pages;
}
