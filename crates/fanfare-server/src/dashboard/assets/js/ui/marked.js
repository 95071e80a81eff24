// Text in which what was searched for is marked. Only text nodes are made, whatever the text says.
import { html } from "../../vendor/preact.js";

// In one text; more would be noise.
const MARKS_MAX = 20;

// `needle` is in lowercase.
export function Marked({ text, needle }) {
  const folded = needle ? text.toLowerCase() : "";
  // Some letters change their length with their case, and then the places do not agree.
  if (!needle || folded.length !== text.length) return text;
  const parts = [];
  let from = 0;
  for (let marks = 0; marks < MARKS_MAX; marks += 1) {
    const at = folded.indexOf(needle, from);
    if (at < 0) break;
    parts.push(text.slice(from, at), html`<mark key=${at}>${text.slice(at, at + needle.length)}</mark>`);
    from = at + needle.length;
  }
  parts.push(text.slice(from));
  return parts;
}

// Room before the first hit.
const LEAD = 24;

// The part of a text that begins shortly before the first hit, if that is further than `visible`; in one line.
export function fromHit(text, needle, visible) {
  const at = needle ? text.toLowerCase().indexOf(needle) : -1;
  return at + needle.length <= visible ? null : `… ${text.slice(Math.max(0, at - LEAD), at + 240).replaceAll(/\s+/g, " ")}`;
}
