import { createHash } from "node:crypto";
import { diffJson, err, ok, type Json, type PersonState, type Result } from "@dossier/events";
import { checkDeliveryDigest, createChainChecker } from "./chain.ts";
import { foldEntries, type ChainedEntry, type Head, type RecordedDelivery } from "./entries.ts";
import { collectFindings, type ReportMismatch } from "./findings.ts";
import { evidenceLine, type ParsedLine } from "./format.ts";
import type { EvidenceVerification } from "./verify.ts";

/**
 * Checks an evidence file by its lines alone, without a database: that they are the ones that were written; the chain
 * against its hashes, its head and the deliveries' bytes; and that the events fold to the person. If another version of
 * the code wrote the file, a person who differs is only noted. Takes memory for the person's deliveries.
 *
 * @param codeVersion the version of this code
 */
export async function verifyEvidenceFile(
  lines: AsyncIterable<string> | Iterable<string>,
  codeVersion: string,
): Promise<EvidenceVerification> {
  const { report, findings } = collectFindings();
  const notes: string[] = [];
  const checker = createFileChecker(report, (text) => notes.push(text), codeVersion);
  for await (const line of lines) checker.next(line);
  const counts = checker.end();
  return { findings: findings(), notes, ...counts };
}

type LineOf<L extends ParsedLine["line"]> = Extract<ParsedLine, { line: L }>;

interface FileChecker {
  /** Checks the next line. */
  next(text: string): void;
  /** Checks that the last line was the end. Returns what was counted. */
  end(): Omit<EvidenceVerification, "findings" | "notes">;
}

function createFileChecker(
  report: ReportMismatch,
  note: (text: string) => void,
  codeVersion: string,
): FileChecker {
  const reportLine: ReportMismatch = (check, mismatch) => report(check, { ...mismatch, line });
  // The chain's end is compared with the head, which is an earlier line.
  const chain = createChainChecker((check, mismatch) =>
    check === "head" ? report(check, { ...mismatch, ...headAt }) : reportLine(check, mismatch),
  );
  const digest = createHash("sha256");
  const deliveries = new Map<string, LineOf<"delivery">>();
  const folded = foldEntries();
  const counts = { events: 0, redeliveries: 0 };
  const chained = new Set<string>();
  const unchained = new Map<string, number>();
  let line = 0;
  let header: LineOf<"header"> | undefined;
  let head: Head | null = null;
  let headAt: { line: number } | undefined;
  let person: Json | undefined;
  let ended = false;

  function check(parsed: ParsedLine): void {
    switch (parsed.line) {
      case "header":
        header = parsed;
        break;
      case "head":
        head = parsed;
        headAt = { line };
        break;
      case "delivery":
        deliveries.set(parsed.deliveryId, parsed);
        checkDeliveryDigest(fromDeliveryLine(parsed), reportLine);
        break;
      case "entry":
        checkEntry(parsed);
        break;
      case "person":
        person = parsed.state as Json;
        break;
      case "end":
        ended = true;
        checkDigest(parsed);
        break;
      case "failed-attempt":
      case "dead-letter":
      case "decision":
        unchained.set(parsed.line, (unchained.get(parsed.line) ?? 0) + 1);
        if (!deliveries.has(parsed.deliveryId))
          reportLine("delivery-missing", {
            deliveryId: parsed.deliveryId,
            expected: "its delivery before it",
            found: "none",
          });
    }
  }

  function checkEntry(parsed: LineOf<"entry">): void {
    const { deliveryId, creationTimeUtc: ticks } = parsed;
    const delivery = deliveries.get(deliveryId);
    const entry: ChainedEntry = {
      ...parsed,
      entityId: header?.entityId ?? "",
      ticks,
      dataJson: parsed.data,
      receivedTicks: parsed.receivedAt,
      delivery: delivery === undefined ? null : fromDeliveryLine(delivery),
      settledAs: delivery?.settlement?.settledAs ?? null,
      head,
    };
    chained.add(deliveryId);
    counts[parsed.kind === "event" ? "events" : "redeliveries"]++;
    folded.add(entry, chain.next(entry));
  }

  function checkDigest({ lines, sha256 }: LineOf<"end">): void {
    const found = digest.digest();
    if (lines === line - 1 && found.equals(sha256)) return;
    reportLine("file-digest", {
      expected: `${lines} lines with SHA-256 ${sha256.toString("hex")}`,
      found: `${line - 1} with ${found.toString("hex")}`,
    });
  }

  /** Whether the person is known by deliveries alone that the log does not have. */
  function hasOnlyUnlogged(): boolean {
    if (head !== null || person !== undefined || deliveries.size === 0) return false;
    const logged = new Set(["applied", "duplicate"]);
    return deliveries.values().every(({ settlement }) => !logged.has(settlement?.settledAs ?? ""));
  }

  function checkPerson(state: PersonState | undefined): void {
    if (state === undefined) {
      if (!hasOnlyUnlogged()) report("person", { expected: "events of a person", found: "none" });
      return;
    }
    const paths = diffJson(person, state as unknown as Json).map(({ path }) => path);
    if (paths.length === 0) return;
    const writer = header?.codeVersion ?? codeVersion;
    if (person === undefined || writer === codeVersion) {
      report("person", {
        expected: "the person that the events fold to",
        found: person === undefined ? "none" : `another: ${paths.join(", ")}`,
      });
    } else {
      note(
        `the person was folded by version ${JSON.stringify(writer)}; by this one, ${codeVersion}, it differs in ${paths.join(", ")}`,
      );
    }
  }

  return {
    next(text) {
      line++;
      const parsed = parseLine(text);
      const misplaced = ended || (line === 1) !== (parsed.ok && parsed.value.line === "header");
      if (misplaced)
        reportLine("line", {
          expected: "a header first, an end last",
          found: parsed.ok ? parsed.value.line : parsed.error,
        });
      else if (!parsed.ok)
        reportLine("line", { expected: "a line of an evidence file", found: parsed.error });
      if (parsed.ok && !ended) check(parsed.value);
      if (!ended) digest.update(`${text}\n`);
    },
    end() {
      chain.end();
      if (!ended) report("file-digest", { expected: "an end line", found: "none" });
      const state = folded.fold()?.state;
      checkPerson(state);
      const unlogged = deliveries.keys().filter((deliveryId) => !chained.has(deliveryId));
      const withoutEntry = [...unlogged].length;
      if (withoutEntry > 0) unchained.set("delivery without an entry", withoutEntry);
      return {
        persons: state === undefined ? 0 : 1,
        ...counts,
        deliveries: deliveries.size,
        unsealed: 0,
        file: {
          chainedUpTo: head?.hash.toString("hex") ?? null,
          digestedOnly: Object.fromEntries(unchained),
        },
      };
    },
  };
}

function fromDeliveryLine({ headers, receivedAt, ...kept }: LineOf<"delivery">): RecordedDelivery {
  return { ...kept, headersJson: headers, receivedTicks: receivedAt };
}

function parseLine(text: string): Result<ParsedLine, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err("not JSON");
  }
  const parsed = evidenceLine.safeParse(json);
  if (parsed.success) return ok(parsed.data);
  return err(parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
}
