/** The paths of all fields in which two JSON values differ, such as `approval.at`; none where they are equal. */
export function differences(wanted: unknown, found: unknown, path = ""): readonly string[] {
  if (Object.is(wanted, found)) return [];
  if (!isContainer(wanted) || !isContainer(found) || Array.isArray(wanted) !== Array.isArray(found)) {
    return [path];
  }
  const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  return [...names].flatMap((name) =>
    differences(wanted[name], found[name], path === "" ? name : `${path}.${name}`),
  );
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
