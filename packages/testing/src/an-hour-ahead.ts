/** Preloaded with `--import`: this process's clock is an hour ahead of all others. */
const HOUR_MS = 3_600_000;
const RealDate = Date;
const now = (): number => RealDate.now() + HOUR_MS;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: readonly unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  get: (target, name, receiver) => (name === "now" ? now : (Reflect.get(target, name, receiver) as unknown)),
});
