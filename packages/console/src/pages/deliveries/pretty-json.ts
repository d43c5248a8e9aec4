import { isJsonObject, type Issue, type Json } from "@dossier/events";

/** A piece of pretty-printed JSON: text, or a marked line and why it is marked. */
export type Piece = string | { readonly line: string; readonly message: string };

export interface PrettyJson {
  readonly pieces: readonly Piece[];
  /** Whether there was no room for all of it. */
  readonly isCut: boolean;
  /** How many issues are at no place that is shown. */
  readonly unmarked: number;
}

/** Characters that are shown of one text. */
const MAX_TEXT_LENGTH = 6_000;

interface Line {
  readonly text: string;
  /** Of the value that begins on it; `undefined` for one that ends. */
  readonly path: string | undefined;
}

/**
 * Prints JSON on indented lines, and marks the places of issues; a field that is missing gets a line of its own.
 *
 * @param room how many characters are printed at most
 */
export function prettyJson(value: Json, issues: readonly Issue[], room: number): PrettyJson {
  const marks = new Map(issues.map(({ path, message }) => [normalize(path), message]));
  const seen = new Set<string>();
  const pieces: Piece[] = [];
  let plain: string[] = [];
  const endPlain = () => {
    if (plain.length > 0) pieces.push(`${plain.join("\n")}\n`);
    plain = [];
  };
  let left = room;
  for (const { text, path } of linesOf(value, "", "", "", [...marks.keys()])) {
    left -= text.length + 1;
    if (left < 0) break;
    const message = path === undefined ? undefined : marks.get(path);
    if (path === undefined || message === undefined) plain.push(text);
    else {
      endPlain();
      seen.add(path);
      pieces.push({ line: text, message });
    }
  }
  endPlain();
  return { pieces, isCut: left < 0, unmarked: marks.size - seen.size };
}

function* linesOf(
  value: Json,
  path: string,
  indent: string,
  prefix: string,
  marks: readonly string[],
  suffix = "",
): Generator<Line> {
  const members = membersOf(value);
  if (members === undefined) {
    yield { text: indent + prefix + scalar(value) + suffix, path };
    return;
  }
  const isList = Array.isArray(value);
  const paths = new Set(members.map(([name]) => join(path, name)));
  const missing = isList
    ? []
    : marks.filter((mark) => parentOf(mark) === path && mark !== "" && !paths.has(mark));
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  if (members.length === 0 && missing.length === 0) {
    yield { text: `${indent}${prefix}${open}${close}${suffix}`, path };
    return;
  }
  yield { text: indent + prefix + open, path };
  const inner = `${indent}  `;
  for (const [n, [name, member]] of members.entries()) {
    const comma = n < members.length - 1 ? "," : "";
    yield* linesOf(member, join(path, name), inner, isList ? "" : `${quote(name)}: `, marks, comma);
  }
  for (const mark of missing)
    yield { text: `${inner}${quote(mark.slice(path === "" ? 0 : path.length + 1))}: (missing)`, path: mark };
  yield { text: indent + close + suffix, path: undefined };
}

function membersOf(value: Json): readonly (readonly [string, Json])[] | undefined {
  return Array.isArray(value) || isJsonObject(value)
    ? Object.entries<Json>(value as object as Record<string, Json>)
    : undefined;
}

function scalar(value: Json): string {
  return typeof value === "string" ? quote(value) : JSON.stringify(value);
}

/** Returns a text in quotes, in which nothing turns the direction of what is around it. */
function quote(text: string): string {
  const shown = JSON.stringify(text.slice(0, MAX_TEXT_LENGTH)).replaceAll(TURNS, escape);
  return text.length > MAX_TEXT_LENGTH ? `${shown} … (${text.length} characters)` : shown;
}

/** Control characters, apart from line ends and tabs, and those that turn the direction of a text. */
export const TURNS =
  // oxlint-disable-next-line no-control-regex
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(".")));
}

function join(path: string, name: string): string {
  return path === "" ? lowerFirst(name === "webhookEvent" ? "event" : name) : `${path}.${lowerFirst(name)}`;
}

/** As issues name it: some releases of iComply write PascalCase names. */
function normalize(path: string): string {
  return path.split(".").map(lowerFirst).join(".");
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
