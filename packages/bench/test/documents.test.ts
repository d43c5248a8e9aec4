import { expect, test } from "vitest";
import { replacePart } from "../src/documents.ts";
import { plotBars, plotLines } from "../src/plot.ts";
import { formatNumber, toLines, toMarkdown, type Table } from "../src/result.ts";

const TABLE: Table = {
  title: "Webhooks",
  keys: ["server", "connections"],
  rows: [
    { keys: ["ours", "64"], figures: { "webhooks/s": [200, 100, 300], "µs CPU": [50] } },
    { keys: ["ours", "256"], figures: { "webhooks/s": [90, 90, 90], "µs CPU": [60] } },
    { keys: ["theirs", "64"], figures: { "webhooks/s": [100, 200, 400], "µs CPU": [100] } },
    { keys: ["theirs", "256"], figures: { "webhooks/s": [30, 45, 90], "µs CPU": [Number.NaN] } },
  ],
  compare: ["webhooks/s", "µs CPU"],
};

test("a table has medians, least and greatest values, and by round how much better ours is than each row with the same further keys", () => {
  expect(toMarkdown(TABLE)).toEqual([
    "**Webhooks**",
    "",
    "| server | connections | webhooks/s | µs CPU | ours ÷ this | CPU, this ÷ ours |",
    "| --- | --- | ---: | ---: | ---: | ---: |",
    "| ours | 64 | 200 (100–300) | 50 | 1 | 1 |",
    "| ours | 256 | 90 | 60 | 1 | 1 |",
    "| theirs | 64 | 200 (100–400) | 100 | 0.75 (0.50–2) | 2 |",
    "| theirs | 256 | 45 (30–90) | – | 2 (1–3) | – |",
    "",
  ]);
  expect(toLines(TABLE)[0]).toBe("Webhooks");
});

test.each([
  [0.005, "0.01"],
  [9.994, "9.99"],
  [9.996, "10.0"],
  [99.94, "99.9"],
  [99.96, "100"],
  [1_234_567.8, "1,234,568"],
  [7, "7"],
])("%d is written as %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test("a benchmark's part of a document is replaced, and nothing else", () => {
  const document =
    "a\n<!-- bench one -->\nold\n<!-- end of bench one -->\nb\n<!-- bench two -->x<!-- end of bench two -->\n";
  expect(replacePart(document, "one", "new\n")).toBe(
    "a\n<!-- bench one -->\n\nnew\n\n<!-- end of bench one -->\nb\n<!-- bench two -->x<!-- end of bench two -->\n",
  );
  expect(() => replacePart(document, "three", "new")).toThrow(
    "the document has no part <!-- bench three -->",
  );
});

test("a plot of bars shows the median of each row", () => {
  const svg = plotBars(TABLE, "webhooks/s");
  expect(svg).toContain("Webhooks: webhooks/s");
  for (const shown of ["ours", "theirs", "connections: 64", "connections: 256", "200", "90", "45"])
    expect(svg).toContain(`>${shown}<`);
});

test("on a logarithmic axis, all bars begin at its left end", () => {
  const rows = [0.2, 5_000].map((value) => ({ keys: [`${value}`], figures: { ms: [value] } }));
  const svg = plotBars({ title: "Searches; of 1,000 persons", keys: ["search"], rows }, "ms");
  expect(svg).toContain(">Searches: ms<");
  // A bar is drawn from where it begins: to the right, from the left margin.
  expect(svg.match(/d="M330 [\d.]+l[\d.]+ 0[^"]*Z" fill="#5070dd"/g)).toHaveLength(2);
});

test("a plot of lines shows a line for each figure, and the first key of each row", () => {
  const svg = plotLines(TABLE, ["webhooks/s", "µs CPU"]);
  for (const shown of ["webhooks/s", "µs CPU", "ours", "server"]) expect(svg).toContain(`>${shown}<`);
});
