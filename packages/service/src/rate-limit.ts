/** Returns a function that returns `true` at most so many times a second on average, and as often at once. */
export function createRateLimit(perSecond: number): () => boolean {
  let allowed = perSecond;
  let countedAt = performance.now();
  return () => {
    const now = performance.now();
    allowed = Math.min(perSecond, allowed + ((now - countedAt) * perSecond) / 1_000);
    countedAt = now;
    if (allowed < 1) return false;
    allowed -= 1;
    return true;
  };
}
