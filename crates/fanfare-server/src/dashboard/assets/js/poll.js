// Asks one of our lists again and again while a screen that shows it is on.
import { signal, useEffect, useMemo } from "../vendor/preact.js";
import { get } from "./api.js";
import { connection } from "./feed/connection.js";

// An answer that is long in coming is asked for less often: the page takes at most a tenth of the gateway's time.
const PAUSE_FACTOR = 9;

const asked = signal(0);

// After something was changed: everything that is shown is asked for at once.
export function askAgain() {
  asked.value += 1;
}

// A signal of `{ data, problem }`; the last good data stays while the gateway is away.
export function usePolled(url, everyMs) {
  // Asks at once when the stream comes (back): the lists are then newest.
  const { state } = connection.value;
  const answer = useMemo(() => signal({ data: null, problem: null }), [url]);
  useEffect(() => {
    let timer = null;
    let stopped = false;
    const ask = async () => {
      const begun = performance.now();
      if (!document.hidden) {
        const next = await get(url).then(
          (data) => ({ data, problem: null }),
          (problem) => ({ data: answer.peek().data, problem }),
        );
        if (!stopped) answer.value = next;
      }
      if (!stopped) timer = setTimeout(ask, Math.max(everyMs, PAUSE_FACTOR * (performance.now() - begun)));
    };
    ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [url, everyMs, state, asked.value]);
  return answer;
}
