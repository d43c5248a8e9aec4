import { plainError } from "./plain-error.ts";

/** Whether something can do its work now, and if not, what is wrong. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** Ready when `probe` resolves; what it rejects with is the reason otherwise. */
export async function readinessFrom(probe: Promise<unknown>): Promise<Readiness> {
  return probe.then(
    () => ({ ready: true }),
    (error: unknown) => ({ ready: false, reason: plainError(error).message }),
  );
}
