import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Circumstances } from "./circumstances.ts";
import { plot, plotLines } from "./plot.ts";
import { toMarkdown, type Table } from "./result.ts";

const ROOT = join(import.meta.dirname, "../../..");
const FOLDER = join(ROOT, "docs/performance");
const DOCUMENT = join(ROOT, "docs/performance.md");

/** Writes a benchmark's results: as a file, as plots, and into its part of docs/performance.md. */
export async function writeResults(
  benchmark: string,
  circumstances: Circumstances,
  tables: readonly Table[],
): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const results = { benchmark, ...circumstances, tables };
  await writeFile(join(FOLDER, `${benchmark}.json`), `${JSON.stringify(results, undefined, 1)}\n`);
  const { command, date, machine, loadBefore, versions } = circumstances;
  const lines = [
    `\`${command}\`, ${date}, on ${machine}; load before: ${loadBefore.toFixed(1)}. ` +
      `${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", ")}. Medians (least–greatest) of the rounds.`,
    "",
  ];
  for (const [index, table] of tables.entries()) {
    lines.push(...toMarkdown(table));
    const stem = `${benchmark}${index === 0 ? "" : `-${index + 1}`}`;
    const plots: [name: string, shows: string, svg: string][] = (table.lines ?? []).map((figures, n) => [
      `${stem}-lines-${n + 1}.svg`,
      figures.join(", "),
      plotLines(table, figures),
    ]);
    if (table.plot !== undefined) plots.unshift([`${stem}.svg`, table.plot, plot(table, table.plot)]);
    for (const [name, shows, svg] of plots) {
      await writeFile(join(FOLDER, name), `${svg}\n`);
      lines.push(`![${table.title}: ${shows}](performance/${name})`, "");
    }
  }
  await replacePart(benchmark, lines.join("\n"));
}

/** Replaces what stands between a benchmark's two comments. */
async function replacePart(benchmark: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- bench ${benchmark} -->`, `<!-- end of bench ${benchmark} -->`];
  const document = await readFile(DOCUMENT, "utf8");
  const [before, rest] = document.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${DOCUMENT} has no part ${begin}`);
  await writeFile(DOCUMENT, `${before}${begin}\n\n${text}\n${end}${after}`);
}
