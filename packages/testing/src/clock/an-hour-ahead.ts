/** Preloaded with `--import`: this process's clock is an hour ahead of everybody else's. */
const HOUR_MS = 3_600_000;
const Real = Date;
const ahead = (): number => Real.now() + HOUR_MS;

globalThis.Date = new Proxy(Real, {
  construct: (target, given: readonly unknown[], as) =>
    Reflect.construct(target, given.length === 0 ? [ahead()] : given, as) as Date,
  get: (target, name, receiver) =>
    name === "now" ? ahead : (Reflect.get(target, name, receiver) as unknown),
});
