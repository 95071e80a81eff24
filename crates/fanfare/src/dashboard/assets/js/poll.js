// Asks one of our lists again and again while a screen that shows it is on.
import { signal, useEffect, useMemo } from "../vendor/preact.js";
import { get } from "./api.js";
import { connection } from "./feed/connection.js";

// A signal of `{ data, problem }`; the last good data stays while the gateway is away.
export function usePolled(url, everyMs) {
  // Asks at once when the stream comes (back): the lists are then newest.
  const { state } = connection.value;
  const answer = useMemo(() => signal({ data: null, problem: null }), [url]);
  useEffect(() => {
    let timer = null;
    let stopped = false;
    const ask = async () => {
      if (!document.hidden) {
        try {
          answer.value = { data: await get(url), problem: null };
        } catch (problem) {
          answer.value = { data: answer.peek().data, problem };
        }
      }
      if (!stopped) timer = setTimeout(ask, everyMs);
    };
    ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [url, everyMs, state]);
  return answer;
}
