import { readdir, readFile } from "node:fs/promises";

/** Linux counts CPU time in ticks of so many a second. */
const TICKS_PER_SECOND = 100;

/** Returns the seconds of CPU that a process and its children have used; `NaN` where there is no /proc. */
export async function cpuSeconds(pid: number | undefined): Promise<number> {
  const own = await readStats(pid);
  if (own.length === 0) return Number.NaN;
  return own.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
}

/** Returns the ids of a process and its children; none where there is no /proc. */
export async function processesOf(pid: number | undefined): Promise<readonly number[]> {
  return (await readStats(pid)).map((stat) => stat.pid);
}

async function readStats(pid: number | undefined) {
  const folders = await readdir("/proc").catch(() => []);
  const all = await Promise.all(folders.filter((name) => /^\d+$/.test(name)).map(readStat));
  return all.filter((stat) => stat !== undefined).filter((stat) => stat.pid === pid || stat.parent === pid);
}

async function readStat(folder: string) {
  const text = await readFile(`/proc/${folder}/stat`, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  // The name of the program, in parentheses, may hold blanks.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [parent, user, system, childrensUser, childrensSystem] = [1, 11, 12, 13, 14].map((n) =>
    Number(fields[n]),
  );
  const ticks = [user, system, childrensUser, childrensSystem].reduce<number>(
    (sum, one) => sum + (one ?? 0),
    0,
  );
  return { pid: Number(folder), parent, ticks };
}

type Pids = number | undefined | readonly (number | undefined)[];

/** Returns a function that gives the seconds of CPU that each of these processes, or several together, have used since. */
export async function watchCpu<Name extends string>(
  pids: Readonly<Record<Name, Pids>>,
): Promise<() => Promise<Readonly<Record<Name, number>>>> {
  const readAll = async (several: Pids) => {
    const each = await Promise.all([several].flat().map(cpuSeconds));
    return each.reduce((sum, one) => sum + one, 0);
  };
  const read = async () =>
    Object.fromEntries(
      await Promise.all(Object.entries<Pids>(pids).map(async ([name, own]) => [name, await readAll(own)])),
    ) as Record<Name, number>;
  const before = await read();
  return async () => {
    const after = await read();
    return Object.fromEntries(
      Object.entries<number>(after).map(([name, used]) => [name, used - before[name as Name]]),
    ) as Record<Name, number>;
  };
}
