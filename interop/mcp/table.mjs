// The table of README.md and the reasons below it, generated from clients.json.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export function table() {
  const { runs, cannot } = JSON.parse(readFileSync(new URL("clients.json", import.meta.url), "utf8"));
  const rows = new Map();
  // Which transports of which client lack what. The reasons are a list, because they do not fit into a row.
  const lacking = new Map();
  for (const { client, transport, era, cannot: lacks } of runs) {
    const key = `${client}|${transport}`;
    const row = rows.get(key) ?? { client, transport, eras: [], lacks };
    row.eras.push(era);
    rows.set(key, row);
    const place = lacking.get(lacks) ?? { client, transports: new Set(), reasons: Object.entries(cannot[lacks] ?? {}) };
    lacking.set(lacks, { ...place, transports: place.transports.add(transport) });
  }
  const lines = [...rows.values()].map(({ client, transport, eras, lacks }) => {
    const needs = Object.keys(cannot[lacks] ?? {});
    return `| ${client} | ${transport} | ${eras.join(", ")} | ${needs.join(", ") || "–"} |`;
  });
  const reasons = [...lacking.values()]
    .filter(({ reasons }) => reasons.length > 0)
    .flatMap(({ client, transports, reasons }) => [
      `- ${client} (${[...transports].join("; ")})`,
      ...reasons.map(([need, why]) => `  - ${need}: ${why}`),
    ]);
  return ["| client | transport | era | cannot |", "|---|---|---|---|", ...lines, "", ...reasons].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(table());
