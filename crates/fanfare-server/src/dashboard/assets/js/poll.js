// Polls a list of the gateway while a screen shows it.
import { signal, useEffect, useMemo } from "../vendor/preact.js";
import { get, getAll } from "./api.js";
import { connection } from "./feed/connection.js";

// A slow response is polled less often, so that the page uses at most a tenth of the gateway's time.
const PAUSE_FACTOR = 9;

const asked = signal(0);

// Refreshes everything on the screen immediately, after a change.
export function askAgain() {
  asked.value += 1;
}

// A signal of `{ data, problem }`; the last good data stays while the gateway is unreachable. Of a list whose rows are
// the member `rows`, `data` has every page.
export function usePolled(url, everyMs, rows = null) {
  // Polls immediately when the stream connects, because the lists have changed most by then.
  const { state } = connection.value;
  const answer = useMemo(() => signal({ data: null, problem: null }), [url]);
  useEffect(() => {
    let timer = null;
    let stopped = false;
    const ask = async () => {
      const begun = performance.now();
      if (!document.hidden) {
        const next = await (rows ? getAll(url, rows) : get(url)).then(
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
  }, [url, everyMs, rows, state, asked.value]);
  return answer;
}
