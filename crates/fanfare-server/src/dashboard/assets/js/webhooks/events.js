// The events of attempts and deliveries, as far as this page's feed still has them.
import { useMemo } from "../../vendor/preact.js";
import { connection } from "../feed/connection.js";
import { findAll } from "../feed/feed.js";

export function useEvents(ids) {
  const { state } = connection.value;
  return useMemo(() => findAll(new Set(ids)), [ids.join(), state]);
}
