import { createHash } from "node:crypto";
import type { Json, PersonState } from "@dossier/events";
import { differences } from "../persons/difference.ts";
import { walkChains, type ChainedEntry, type Head } from "./chain.ts";
import { checkKept, type EvidencedDelivery } from "./deliveries.ts";
import { collectFindings, type Report } from "./findings.ts";
import { evidenceLine, type ReadLine } from "./format.ts";
import { foldEntries } from "./person.ts";
import type { Verification } from "./verify.ts";

/**
 * Checks an evidence file from its lines alone, with no database: that they are the lines that were written, the
 * chain against its hashes, its head and the deliveries' bytes, and that the events fold to the person; where another
 * version of the code wrote it, a person who differs is a note. Takes memory for the person's deliveries.
 *
 * @param codeVersion this code's
 */
export async function verifyEvidence(
  lines: AsyncIterable<string> | Iterable<string>,
  codeVersion: string,
): Promise<Verification> {
  const { report, findings } = collectFindings();
  const notes: string[] = [];
  const file = evidenceFile(report, (text) => notes.push(text), codeVersion);
  for await (const line of lines) file.read(line);
  const counts = file.end();
  return { findings: findings(), notes, ...counts };
}

type Of<L extends ReadLine["line"]> = Extract<ReadLine, { line: L }>;

function evidenceFile(
  report: Report,
  note: (text: string) => void,
  codeVersion: string,
): {
  read(text: string): void;
  end(): Omit<Verification, "findings" | "notes">;
} {
  const here: Report = (check, mismatch) => report(check, { ...mismatch, line });
  // What the chain's end is compared with stands in a line of its own, which came before.
  const chain = walkChains((check, mismatch) =>
    check === "head" ? report(check, { ...mismatch, ...headAt }) : here(check, mismatch),
  );
  const digest = createHash("sha256");
  const deliveries = new Map<string, Of<"delivery">>();
  const folding = foldEntries();
  const counts = { events: 0, redeliveries: 0 };
  let line = 0;
  let header: Of<"header"> | undefined;
  let head: Head | null = null;
  let headAt: { line: number } | undefined;
  let person: Json | undefined;
  let ended = false;

  function take(read: ReadLine): void {
    switch (read.line) {
      case "header":
        header = read;
        break;
      case "head":
        head = read;
        headAt = { line };
        break;
      case "delivery":
        deliveries.set(read.deliveryId, read);
        checkKept(ofLine(read), here);
        break;
      case "entry":
        takeEntry(read);
        break;
      case "person":
        person = read.state as Json;
        break;
      case "end":
        ended = true;
        checkDigest(read);
        break;
      case "failed-attempt":
      case "dead-letter":
      case "decision":
        if (!deliveries.has(read.deliveryId))
          here("delivery-missing", {
            deliveryId: read.deliveryId,
            expected: "its delivery before it",
            found: "none",
          });
    }
  }

  function takeEntry(read: Of<"entry">): void {
    const { deliveryId, creationTimeUtc: ticks } = read;
    const delivery = deliveries.get(deliveryId);
    const entry: ChainedEntry = {
      ...read,
      entityId: header?.entityId ?? "",
      ticks,
      dataJson: read.data,
      receivedTicks: read.receivedAt,
      delivery: delivery === undefined ? null : ofLine(delivery),
      outcome: delivery?.settlement?.outcome ?? null,
      head,
    };
    chain.link(entry);
    counts[read.kind === "event" ? "events" : "redeliveries"]++;
    folding.take(entry);
  }

  function checkDigest({ lines, sha256 }: Of<"end">): void {
    const found = digest.digest();
    if (lines === line - 1 && found.equals(sha256)) return;
    here("file-digest", {
      expected: `${lines} lines with SHA-256 ${sha256.toString("hex")}`,
      found: `${line - 1} with ${found.toString("hex")}`,
    });
  }

  function checkPerson(state: PersonState | undefined): void {
    if (state === undefined) return report("person", { expected: "events of a person", found: "none" });
    const different = differences(person, state as unknown as Json).map(({ path }) => path);
    if (different.length === 0) return;
    const writer = header?.codeVersion ?? codeVersion;
    if (person === undefined || writer === codeVersion) {
      report("person", {
        expected: "the person that the events fold to",
        found: person === undefined ? "none" : `another: ${different.join(", ")}`,
      });
    } else {
      note(
        `the person was folded by version ${JSON.stringify(writer)}; by this one, ${codeVersion}, it differs in ${different.join(", ")}`,
      );
    }
  }

  return {
    read(text) {
      line++;
      const read = parseLine(text);
      const misplaced = ended || (line === 1) !== (read.ok && read.value.line === "header");
      if (misplaced)
        here("line", {
          expected: "a header first, an end last",
          found: read.ok ? read.value.line : read.error,
        });
      else if (!read.ok) here("line", { expected: "a line of an evidence file", found: read.error });
      if (read.ok && !ended) take(read.value);
      if (!ended) digest.update(`${text}\n`);
    },
    end() {
      chain.end();
      if (!ended) report("file-digest", { expected: "an end line", found: "none" });
      const state = folding.state();
      checkPerson(state);
      return { persons: state === undefined ? 0 : 1, ...counts, deliveries: deliveries.size };
    },
  };
}

function ofLine({ headers, receivedAt, ...kept }: Of<"delivery">): EvidencedDelivery {
  return { ...kept, headersJson: headers, receivedTicks: receivedAt };
}

function parseLine(text: string): { ok: true; value: ReadLine } | { ok: false; error: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, error: "no JSON" };
  }
  const parsed = evidenceLine.safeParse(json);
  if (parsed.success) return { ok: true, value: parsed.data };
  return {
    ok: false,
    error: parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "),
  };
}
