// Events as text: lines of JSON, and a table for spreadsheets.
import { seqOf } from "../format.js";

const columns = [
  ["id", (event) => event.id],
  ["timestamp", (event) => event.timestamp],
  ["channel", (event) => event.channel],
  ["type", (event) => event.type],
  ["priority", (event) => event.priority],
  ["message", (event) => event.message],
  ["data", (event) => (event.data === undefined ? "" : JSON.stringify(event.data))],
  ["key", (event) => event.key],
  ["principal", (event) => event.source?.principal],
  ["door", (event) => event.source?.door],
];

function inOrder(events) {
  return [...events].sort((a, b) => seqOf(a.id) - seqOf(b.id));
}

export function asNdjson(events) {
  return inOrder(events).map((event) => `${JSON.stringify(event)}\n`).join("");
}

// RFC 4180, with a byte order mark, without which Excel takes UTF-8 for something else.
export function asCsv(events) {
  const rows = inOrder(events).map((event) => columns.map(([, of]) => cell(of(event))));
  return `\ufeff${[columns.map(([name]) => name), ...rows].map((row) => `${row.join(",")}\r\n`).join("")}`;
}

// Spreadsheets run a cell that begins like a formula, and anybody can push one. The apostrophe makes it text.
const formula = /^\s*[=+\-@|＝＋－＠]|^[\t\r\n]/;

function cell(value) {
  const text = String(value ?? "");
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n;\t]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// Saves a text as a file.
export function save(text, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
