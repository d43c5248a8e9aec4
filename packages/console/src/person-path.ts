/** A person's id in paths, of the pages and of the API. */

/**
 * Clients and proxies remove `.` and `..` from paths, also percent-encoded ones; the others are paths of their own. In a
 * path, one of these has a tilde in front, and so has one that has tildes in front already: no two ids share a path.
 */
const RESERVED = /^~*(?:\.{1,2}|search|export)$/;

/** Returns the path of a person's page. The API's is the same, below its base path. */
export function personPagePath(entityId: string): string {
  const segment = RESERVED.test(entityId) ? `~${entityId}` : entityId;
  return `/natural-persons/${encodeURIComponent(segment)}`;
}

/** Returns the id that a path's segment stands for, once it is percent-decoded. */
export function parsePersonSegment(segment: string): string {
  return RESERVED.test(segment) && segment.startsWith("~") ? segment.slice(1) : segment;
}
