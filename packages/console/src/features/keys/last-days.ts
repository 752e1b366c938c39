/** The last `count` UTC days up to `now`, oldest first; days the API left out had no requests. */
export function lastDays(
  days: readonly { day: string; requests: number }[],
  count: number,
  now: number,
): { day: string; requests: number }[] {
  const known = new Map(days.map(({ day, requests }) => [day.slice(0, 10), requests]));
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(now - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return { day, requests: known.get(day) ?? 0 };
  });
}
