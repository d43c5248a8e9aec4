import manifest from "../package.json" with { type: "json" };

/** The version of this code: all packages are released together, with one number. */
export const version: string = manifest.version;
