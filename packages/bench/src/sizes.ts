/** What each measures. */
export const BENCHMARKS = {
  ingest: "webhooks accepted a second, and what one costs, beside other ways to accept them",
  worker: "a full queue settled, beside the same transactions without a queue and other queues",
  "end-to-end": "webhooks accepted and settled a second, with one, two and four workers, beside other ways",
  latency: "from when a webhook is due to its person's state, at several rates, beside other ways",
  rebuild: "all persons folded anew from the log, beside a bare script",
  verify: "all evidence verified, beside a bare script",
  bytes: "bytes of an event in Postgres, and of waiting deliveries in Redis",
  growth: "what a webhook costs with more stored events, events of a person, waiting deliveries, or disorder",
  "dead-letters": "settling, pages and Redis' memory with few and with many dead letters",
  "long-transaction":
    "webhooks while a transaction stays open elsewhere: the time to state, and the queue's tables",
  soak: "80 % of the capacity for a long time, and then a flood of large webhooks",
  console: "the pages, with readers at once while webhooks arrive: latency of each page, receipt → state",
  tracing: "what traces cost ingest and a worker, beside themselves without",
  search: "the search for persons, and the count of those found, by many kinds of terms",
} as const;

export type Benchmark = keyof typeof BENCHMARKS;

export interface Size {
  /** Whose option it is. */
  readonly of: readonly Benchmark[];
  readonly name: string;
  readonly help: string;
  /** A list of numbers, with commas, measures each. */
  readonly full: string;
  readonly quick: string;
  /** Default: 1. */
  readonly least?: number;
}

/** An option may have other defaults, or another meaning, in other benchmarks. */
export const SIZES = [
  {
    of: [
      "ingest",
      "worker",
      "end-to-end",
      "latency",
      "rebuild",
      "verify",
      "growth",
      "dead-letters",
      "tracing",
    ],
    name: "rounds",
    help: "rounds, in each of which all sides take a turn",
    full: "3",
    quick: "1",
  },
  {
    of: ["ingest", "end-to-end", "latency"],
    name: "warm",
    help: "seconds of load before, so that each side's code is compiled",
    full: "10",
    quick: "1",
  },
  {
    of: ["ingest"],
    name: "connections",
    help: "connections, each with one webhook at a time",
    full: "64,256",
    quick: "16",
  },
  { of: ["ingest"], name: "seconds", help: "of load, for each side and round", full: "3", quick: "1" },
  {
    of: ["worker"],
    name: "seconds",
    help: "at most, for each side and round, after it is warm",
    full: "5",
    quick: "1",
  },
  { of: ["worker"], name: "deliveries", help: "that wait in a full queue", full: "40000", quick: "2000" },
  { of: ["tracing"], name: "deliveries", help: "that wait in a full queue", full: "10000", quick: "1500" },
  {
    of: ["worker", "tracing"],
    name: "job",
    help: "deliveries in one job: as many as ingest recorded in one commit",
    full: "40",
    quick: "40",
  },
  {
    of: ["end-to-end", "tracing"],
    name: "connections",
    help: "connections, each with one webhook at a time",
    full: "64",
    quick: "16",
  },
  { of: ["end-to-end"], name: "seconds", help: "of sending, for each side and round", full: "5", quick: "1" },
  { of: ["tracing"], name: "seconds", help: "at most, for each side and round", full: "2", quick: "1" },
  { of: ["end-to-end"], name: "webhooks", help: "webhooks at most", full: "40000", quick: "1000" },
  { of: ["latency"], name: "rate", help: "webhooks a second", full: "10,100,1000", quick: "100" },
  {
    of: ["latency"],
    name: "seconds",
    help: "for each side, rate and round, or longer, for 100 webhooks",
    full: "5",
    quick: "1",
  },
  { of: ["rebuild"], name: "events", help: "webhooks in the log", full: "1000000", quick: "5000" },
  { of: ["verify", "bytes"], name: "events", help: "webhooks in the log", full: "200000", quick: "5000" },
  {
    of: ["rebuild"],
    name: "copies",
    help: "times that the log holds these webhooks, each time for other persons",
    full: "1,5",
    quick: "1,2",
  },
  { of: ["bytes"], name: "waiting", help: "deliveries that wait in Redis", full: "100000", quick: "1000" },
  { of: ["bytes"], name: "job", help: "deliveries in one job", full: "40,500", quick: "40,500" },
  { of: ["growth"], name: "seconds", help: "at most, for each case and round", full: "3", quick: "1" },
  {
    of: ["growth"],
    name: "deliveries",
    help: "that wait, where their number does not grow",
    full: "30000",
    quick: "1000",
  },
  {
    of: ["growth"],
    name: "stored",
    help: "webhooks in the log",
    full: "0,1000000,5000000",
    quick: "0,5000",
    least: 0,
  },
  { of: ["growth"], name: "person", help: "events of each person", full: "1,100,10000", quick: "100" },
  {
    of: ["growth"],
    name: "waiting",
    help: "deliveries that wait",
    full: "10,10000,1000000",
    quick: "10,2000",
  },
  {
    of: ["dead-letters"],
    name: "letters",
    help: "dead letters in all, before",
    full: "1000,1000000",
    quick: "1000",
  },
  {
    of: ["dead-letters"],
    name: "deliveries",
    help: "that wait in a full queue",
    full: "30000",
    quick: "1500",
  },
  {
    of: ["dead-letters"],
    name: "seconds",
    help: "at most, for each queue and round",
    full: "10",
    quick: "1",
  },
  { of: ["dead-letters"], name: "visits", help: "of each page", full: "50", quick: "2" },
  { of: ["long-transaction"], name: "rate", help: "webhooks a second", full: "1000", quick: "50" },
  {
    of: ["long-transaction"],
    name: "seconds",
    help: "that the transaction is open; before and after it a third of that",
    full: "600",
    quick: "3",
  },
  { of: ["soak"], name: "share", help: "of the capacity, in percent", full: "80", quick: "50" },
  { of: ["soak"], name: "seconds", help: "of the soak", full: "1800", quick: "3" },
  { of: ["soak"], name: "flood", help: "seconds of the flood", full: "60", quick: "1" },
  {
    of: ["console"],
    name: "events",
    help: "events in the log, of 8 or 9 a person",
    full: "1000000",
    quick: "2000",
  },
  { of: ["console"], name: "readers", help: "readers at once", full: "20", quick: "20" },
  {
    of: ["console"],
    name: "pause",
    help: "a reader's pause after each page, in ms",
    full: "1000",
    quick: "1000",
    least: 0,
  },
  { of: ["console"], name: "rate", help: "webhooks a second", full: "500", quick: "50" },
  { of: ["console"], name: "seconds", help: "that each part takes", full: "60", quick: "2" },
  { of: ["search"], name: "persons", help: "persons", full: "1000000", quick: "5000" },
] as const satisfies readonly Size[];

export type SizeName = (typeof SIZES)[number]["name"];
