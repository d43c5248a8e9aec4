import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../src/command-line.ts";
import { createCommand } from "../src/commands/command.ts";

const ROOT = join(import.meta.dirname, "../../..");
const DOCUMENTS = globSync("**/*.md", {
  cwd: ROOT,
  exclude: (path) => ["node_modules", ".runtime"].includes(basename(path)),
});

/** What is written as code: blocks, whose lines may go on with a backslash, and spans. */
function codeOf(document: string): readonly string[] {
  const text = readFileSync(join(ROOT, document), "utf8");
  const blocks = text.matchAll(/^ *```[a-z]*\n(.*?)^ *```/gms);
  const spans = text.replaceAll(/^ *```.*?^ *```/gms, "").matchAll(/`([^`]+)`/g);
  return [
    ...[...blocks].flatMap(([, block = ""]) => block.replaceAll("\\\n", " ").split("\n")),
    ...[...spans].map(([, span = ""]) => span.replaceAll(/\s+/g, " ")),
  ];
}

/** The `dossier` that begins a command: itself, by npm or in a container. */
const DOSSIER =
  /^(?:npm run (?:--silent |-s )?dossier --|(?:docker compose (?:exec|run) (?:-\S+ |\S+= )*\S+ )?(?:dossier|packages\/cli\/src\/main\.ts))(?= |$) ?(.*)$/;

/** The arguments of each `dossier` in a document. */
function dossierCommands(document: string): readonly (readonly string[])[] {
  return commandsOf(document).flatMap((command) => {
    const [, args] = DOSSIER.exec(command) ?? [];
    return args === undefined ? [] : [args.split(" ").filter((word) => word !== "")];
  });
}

/** The simple commands of a document's code, without what is assigned for one. */
function commandsOf(document: string): readonly string[] {
  return codeOf(document)
    .flatMap((line) => line.replace(/(^|\s)#.*$/, "").split(/\s(?:&&|\|\||\||;)\s|\$\(/))
    .map((command) => command.trim().replace(/^(?:[A-Z_]+=\S* )+/, ""));
}

const program = createCommand("dossier");
for (const load of COMMANDS.values()) program.addCommand(await load());

/** Returns what is wrong with the arguments of a `dossier`; `undefined` if nothing is. */
function mistake(args: readonly string[]): string | undefined {
  let command: CommandUnknownOpts = program;
  for (const arg of args) {
    if (arg.startsWith("-") && arg !== "-") {
      const [name = ""] = arg.split("=");
      const isKnown = command.options.some((one) => one.long === name || one.short === name);
      if (!isKnown && !["--help", "-h", "--version"].includes(name)) return `no option ${name}`;
    } else if (command.commands.length > 0) {
      // `token create|list|revoke` names several.
      const named = arg.split("|").map((name) => command.commands.find((one) => one.name() === name));
      if (named.includes(undefined)) return `no command ${arg}`;
      [command = program] = named as CommandUnknownOpts[];
    }
  }
  return undefined;
}

describe.each(DOCUMENTS)("%s", (document) => {
  test("names commands and options that there are", () => {
    const wrong = dossierCommands(document).flatMap((args) => {
      const found = mistake(args);
      return found === undefined ? [] : [`${found}: dossier ${args.join(" ")}`];
    });
    expect(wrong).toEqual([]);
  });

  test("names scripts that there are", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };
    const named = commandsOf(document).flatMap((command) => {
      const [, run, own] = /^npm (?:run (?:--silent |-s )?([\w:]+)|(start|test)\b)/.exec(command) ?? [];
      return run ?? own ?? [];
    });
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

test("the documents have many commands, and docs/command.md all of them", () => {
  expect(DOCUMENTS.flatMap(dossierCommands).length).toBeGreaterThan(80);
  const listed = dossierCommands("docs/command.md").map((args) => args.join(" "));
  const all = program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [command.name()]
      : command.commands.map((own) => `${command.name()} ${own.name()}`),
  );
  expect(all.filter((name) => !listed.includes(name))).toEqual([]);
});
