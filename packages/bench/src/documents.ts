import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Circumstances } from "./circumstances.ts";
import { plotBars, plotLines } from "./plot.ts";
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
  const { command, date, machine, loadBefore, versions, commit } = circumstances;
  const hasRounds = tables.some(({ rows }) =>
    rows.some(({ figures }) => Object.values(figures).some((values) => values.length > 1)),
  );
  const lines = [
    `\`${command}\`, ${date}${commit === undefined ? "" : `, commit ${commit}`}; load before: ${loadBefore.toFixed(1)}.` +
      `${hasRounds ? " Medians (least–greatest) of the rounds." : ""}`,
    "",
  ];
  for (const [index, table] of tables.entries()) {
    lines.push(...toMarkdown(table));
    const stem = `${benchmark}${index === 0 ? "" : `-${index + 1}`}`;
    const plots: [name: string, shows: string, svg: string][] = [
      ...(table.bars ?? []).map((figure) => ["bars", figure, plotBars(table, figure)] as const),
      ...(table.lines ?? []).map(
        (figures) => ["lines", figures.join(", "), plotLines(table, figures)] as const,
      ),
    ].map(([kind, shows, svg], n) => [`${stem}-${kind}-${n + 1}.svg`, shows, svg]);
    for (const [name, shows, svg] of plots) {
      await writeFile(join(FOLDER, name), `${svg}\n`);
      lines.push(`![${table.title}: ${shows}](performance/${name})`, "");
    }
  }
  const document = replacePart(await readFile(DOCUMENT, "utf8"), benchmark, lines.join("\n"));
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  await writeFile(
    DOCUMENT,
    replacePart(document, "circumstances", `On ${machine}, with ${parts.join(", ")}.\n`),
  );
}

/** Returns a document in which this text stands between a benchmark's two comments. Throws if it has none. */
export function replacePart(document: string, benchmark: string, text: string): string {
  const [begin, end] = [`<!-- bench ${benchmark} -->`, `<!-- end of bench ${benchmark} -->`];
  const [before, rest] = document.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`the document has no part ${begin}`);
  return `${before}${begin}\n\n${text}\n${end}${after}`;
}
