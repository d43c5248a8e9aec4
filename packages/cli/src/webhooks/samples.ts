import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SAMPLES = [
  "natural-person-pending",
  "natural-person-started-id-upload",
  "natural-person-uploaded-id",
  "natural-person-uploaded-supporting-document",
  "natural-person-manually-approved",
  "natural-person-auto-approved",
] as const;

export interface Sample {
  readonly name: string;
  readonly body: Buffer;
}

/** The six payloads of iComply's own documentation, byte for byte. */
export function samples(): readonly Sample[] {
  return SAMPLES.map((name) => ({
    name: `${name}.json`,
    body: readFileSync(fileURLToPath(import.meta.resolve(`@dossier/events/samples/${name}.json`))),
  }));
}
