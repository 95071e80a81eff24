// The table of README.md, out of clients.json.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export function table() {
  const { runs, cannot } = JSON.parse(readFileSync(new URL("clients.json", import.meta.url), "utf8"));
  const rows = new Map();
  for (const { client, transport, era, cannot: lacks } of runs) {
    const key = `${client}|${transport}`;
    const row = rows.get(key) ?? { client, transport, eras: [], lacks };
    row.eras.push(era);
    rows.set(key, row);
  }
  const lines = [...rows.values()].map(({ client, transport, eras, lacks }) => {
    const reasons = Object.entries(cannot[lacks] ?? {}).map(([need, why]) => `${need} (${why})`);
    return `| ${client} | ${transport} | ${eras.join(", ")} | ${reasons.join("; ") || "–"} |`;
  });
  return ["| client | transport | era | cannot |", "|---|---|---|---|", ...lines].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(table());
