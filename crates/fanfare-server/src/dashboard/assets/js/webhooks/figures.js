// Key figures, derived from a webhook and its statistics. The statistics are null until they are there.

export function shareOf(stats) {
  const { delivered, failed } = stats?.day ?? { delivered: 0, failed: 0 };
  return { delivered, failed, all: delivered + failed };
}

// The median of the newest attempts in microseconds; null if there was none.
export function usualOf(stats) {
  return stats?.p50_us ?? null;
}

// The 95th percentile of the newest attempts in microseconds; null if there was none.
export function slowOf(stats) {
  return stats?.p95_us ?? null;
}

// The time of the last attempt in milliseconds, including those before the gateway started; null if there was none.
export function lastTried({ last_success_at: success, last_failure_at: failure }, stats) {
  const moments = [stats?.last_attempt_at, success, failure].filter(Boolean).map((moment) => Date.parse(moment));
  return moments.length ? Math.max(...moments) : null;
}
