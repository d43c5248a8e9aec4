import { readDelivery, type Legible } from "@dossier/events";

/** Which event a delivery tells of, as far as its bytes say. */
export function identityIn(body: Buffer): Legible | undefined {
  try {
    const read = readDelivery(body);
    return read.ok ? read.value : read.error.identity;
  } catch {
    // What made this code fail at a delivery may do so here; and it is to be buried all the same.
    return undefined;
  }
}
