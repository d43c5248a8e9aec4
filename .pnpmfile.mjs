/** The console serves Scalar's script for browsers, which is complete: without this, 280 packages come with it. */
export const hooks = {
  readPackage(manifest) {
    if (manifest.name === "@scalar/api-reference") manifest.dependencies = {};
    return manifest;
  },
};
