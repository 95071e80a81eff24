// Key figures, derived from the webhook object.

export function shareOf({ ended: { day: [delivered, failed] } }) {
  return { delivered, failed, all: delivered + failed };
}

// The 95th percentile of the newest attempts in microseconds; null if there was none.
export function slowOf({ recent }) {
  if (recent.length === 0) return null;
  const times = recent.map(({ total_us: us }) => us).sort((a, b) => a - b);
  return times[Math.ceil(times.length * 0.95) - 1];
}

// The time of the last attempt in milliseconds, including those before the gateway started; null if there was none.
export function lastTried({ recent, last_success_at: success, last_failure_at: failure }) {
  const moments = [recent[0]?.started_at, success, failure].filter(Boolean).map((moment) => Date.parse(moment));
  return moments.length ? Math.max(...moments) : null;
}
