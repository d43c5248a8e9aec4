import { InvalidArgumentError } from "@commander-js/extra-typings";

/** Reads an option's value: a whole number in a range. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** Reads an option's value: a share of a whole. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a share from 0 to 1, such as 0.1.");
}

/** Reads an option's value: the address of an HTTP service. */
export function httpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new InvalidArgumentError("It must be a URL that begins with http:// or https://.");
}

/** Reads an argument's value: the id of a delivery. */
export function uuid(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError("It must be a delivery's id, such as 0197f3a2-7c1e-7d11-8a35-3d1f5f0c2a77.");
}
