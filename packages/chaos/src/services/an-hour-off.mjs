// Preloaded with `--import`: this process's clock is an hour ahead of everybody else's.
const HOUR_MS = 3_600_000;
const Real = Date;

globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + HOUR_MS);
    else super(...given);
  }
  static now() {
    return Real.now() + HOUR_MS;
  }
};
