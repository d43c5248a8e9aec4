/** Returns the path of a person's page. */
export function personUrl(entityId: string): string {
  return `/natural-persons/${encodeURIComponent(entityId)}`;
}
