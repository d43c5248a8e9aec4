import { countPersons, listPersons, openPool, type PersonFilter, type Pool } from "@dossier/store";
import type { DataOptions } from "../options.ts";
import { formatNumber, type Row, type Table } from "../result.ts";
import { startSeeded } from "../servers.ts";
import { quantile } from "../statistics.ts";
import { seedPersons } from "./seed.ts";

/** Of each kind of search, at most so many with different terms, so that slow terms show in the p95. */
const TERMS = 100;
/** Of each kind, at least so many searches; fewer have no p95. */
const SEARCHES = 100;

/** Rows of a page, as the console's. */
const LIMIT = 50;

/** Measures searches of many kinds, one after the other: how long the page and its count took. */
export async function run({ data, size }: DataOptions): Promise<readonly Table[]> {
  const persons = size("persons");
  const postgres = await startSeeded({
    data,
    name: `search-${persons}`,
    seed: (pool) => seedPersons(pool, persons),
  });
  try {
    const pool = openPool(postgres.url, { name: "bench", size: 2 });
    const rows: Row[] = [];
    for (const [name, filters] of Object.entries(await searches(pool))) {
      const { list, count } = await measure(pool, filters);
      rows.push({
        keys: [name],
        figures: {
          "page p50 ms": [quantile(list, 0.5)],
          "page p95 ms": [quantile(list, 0.95)],
          "count p50 ms": [quantile(count, 0.5)],
          "count p95 ms": [quantile(count, 0.95)],
        },
      });
    }
    await pool.end();
    return [
      {
        title: `Searches among ${formatNumber(persons)} persons`,
        keys: ["search"],
        rows,
        bars: ["page p95 ms", "count p95 ms"],
      },
    ];
  } finally {
    await postgres.stop();
  }
}

async function measure(pool: Pool, filters: readonly PersonFilter[]) {
  const times = { list: [] as number[], count: [] as number[] };
  const time = async (kind: keyof typeof times, query: () => Promise<unknown>) => {
    const startedAt = performance.now();
    await query();
    times[kind].push(performance.now() - startedAt);
  };
  while (times.list.length < SEARCHES) {
    for (const filter of filters) {
      await time("list", () => listPersons(pool, filter, { limit: LIMIT }));
      await time("count", () => countPersons(pool, filter));
    }
  }
  return times;
}

async function searches(pool: Pool): Promise<Readonly<Record<string, readonly PersonFilter[]>>> {
  const { rows } = await pool.query<{ search: string }>(
    `select search from natural_persons order by hashtext(entity_id) limit ${TERMS}`,
  );
  const found = rows.map(({ search }) => search.split("\n") as [string, string, string]);
  const terms = (...all: string[]): PersonFilter[] => all.map((q) => ({ q }));
  return {
    everybody: [{}],
    "everybody with a status": [{ status: "approved" }],
    "everybody, review needed": [{ reviewNeeded: true }],
    "everybody, unknown events": [{ unknownEvents: true }],
    "a whole name": found.map(([name]) => ({ q: name })),
    "a part of a name": found.map(([name]) => ({ q: name.slice(3, 9) })),
    "a last name": found.map(([name]) => ({ q: name.split(" ").at(-1) })),
    "a part of an id": found.map(([, , id]) => ({ q: id.slice(2, 9) })),
    "a whole id": found.map(([, , id]) => ({ whole: id })),
    "a whole e-mail": found.map(([, email]) => ({ whole: email })),
    "a whole e-mail, as any part": found.map(([, email]) => ({ q: email })),
    "three letters": terms("son", "ann", "che", "ova", "wój", "zzz"),
    "two letters, of many": terms("jo", "ma", "an", "ga", "12", "a1"),
    "two letters, of few": terms("xi", "yu", "zo", "ij"),
    "two letters, of nobody": terms("qx", "xq", "zq", "qz"),
    "one letter": terms("a", "j", "m", "s", "x", "7"),
    "one letter, of nobody": terms("ß", "ж"),
    nobody: terms("nobody has this", "zzzqqq", "@nowhere.example"),
    "most (a domain)": terms("gmail.com", ".com", "mail"),
    "with a status": found.map(([name]) => ({ q: name.slice(0, 3), status: "approved" })),
    "review needed, two letters": [
      { q: "jo", reviewNeeded: true },
      { q: "qx", reviewNeeded: true },
    ],
  };
}
