// What can be told from the figures of a webhook.

export function shareOf({ ended: { day: [delivered, failed] } }) {
  return { delivered, failed, all: delivered + failed };
}

// How long all but the slowest twentieth of the newest attempts took, in microseconds; null when there was none.
export function slowOf({ recent }) {
  if (recent.length === 0) return null;
  const times = recent.map(({ total_us: us }) => us).sort((a, b) => a - b);
  return times[Math.ceil(times.length * 0.95) - 1];
}

// When it was last tried, also before the gateway was started: milliseconds, or null.
export function lastTried({ recent, last_success: success, last_failure: failure }) {
  const moments = [recent[0]?.at, success, failure].filter(Boolean).map((moment) => Date.parse(moment));
  return moments.length ? Math.max(...moments) : null;
}
