import type { DeadLetter } from "@dossier/store";

/** What became of one delivery in one try. */
export type Outcome =
  | { readonly kind: "applied" }
  | { readonly kind: "duplicate" }
  /** It was not open: settled before, or in another worker's hands. */
  | { readonly kind: "not-open" }
  /** It can never be placed as it is; an operator must look. */
  | { readonly kind: "dead"; readonly letter: DeadLetter }
  /** It failed by a fault of its own or of this code, and is tried again. */
  | { readonly kind: "failed"; readonly error: string; readonly retryAfterMs: number };

export type Outcomes = ReadonlyMap<string, Outcome>;
