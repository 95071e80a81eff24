// The durable readers: names that remember their place, whether they are connected or not.
import { html, useState } from "../vendor/preact.js";
import { send } from "./api.js";
import { now } from "./clock.js";
import { moment } from "./days.js";
import { ago, capital, count, fullTime, plural, seqOf } from "./format.js";
import { usePolled } from "./poll.js";
import { ProblemNote, useAction } from "./ui/action.js";
import { Command } from "./ui/copy.js";
import { Dialog } from "./ui/dialog.js";
import { Icon } from "./ui/icon.js";
import { Segments } from "./ui/segments.js";
import { Cell, Table } from "./ui/table.js";
import { toast } from "./ui/toast.js";

const ROWS_MAX = 200;
const COLUMNS = ["Reader", "Patterns", "Behind", "Last active", "State", ""];

const kinds = {
  all: ["All", () => true],
  behind: ["Behind", ({ lag }) => lag > 0],
  away: ["Away", ({ connected }) => connected === 0],
};

export function Readers() {
  const { data, problem } = usePolled("/api/readers", 2000, "readers").value;
  const last = usePolled("/api/status", 2000).value.data?.last;
  const [typed, setTyped] = useState("");
  const [kind, setKind] = useState("all");
  // `{ reader, Question }` of the open dialog.
  const [asked, setAsked] = useState(null);
  if (!data) return html`<p class="screen-note">${problem ? capital(problem.message) : "Loading…"}</p>`;
  if (data.readers.length === 0) return html`<${None} />`;
  const needle = typed.trim().toLowerCase();
  const found = data.readers.filter((reader) => [reader.name, ...reader.channels].some((text) => text.toLowerCase().includes(needle)) && kinds[kind][1](reader));
  const most = Math.max(1, ...data.readers.map(({ lag }) => lag));
  const options = Object.entries(kinds).map(([name, [text, is]]) => [name, `${text} ${count(data.readers.filter(is).length)}`]);
  return html`<div class="list-screen" data-testid="readers">
    <div class="list-tools">
      <label class="search"><${Icon} name="search" />
        <input type="search" placeholder="Name or pattern" aria-label="Find a reader" value=${typed} autocomplete="off" spellcheck="false"
          onInput=${(input) => setTyped(input.target.value)} data-testid="readers-find" /></label>
      <${Segments} label="Which readers" options=${options} value=${kind} onPick=${setKind} testid="readers" />
    </div>
    <p class="lead">A reader is a name that remembers its place in the log, connected or not. ${found.length > ROWS_MAX ? `${count(ROWS_MAX)} of ${count(found.length)} are shown.` : ""}</p>
    ${found.length === 0
      ? html`<p class="screen-note" data-testid="readers-nothing">No reader matches. <button type="button" class="link-button" onClick=${() => { setTyped(""); setKind("all"); }}>Show all</button></p>`
      : html`<${Table} label="Readers" columns=${COLUMNS}>
          ${found.slice(0, ROWS_MAX).map((reader) => html`<${ReaderRow} key=${reader.name} reader=${reader} most=${most} onAsk=${(Question) => setAsked({ reader, Question })} />`)}
        <//>`}
    ${asked && html`<${asked.Question} reader=${asked.reader} last=${last} onClose=${() => setAsked(null)} />`}
  </div>`;
}

function ReaderRow({ reader, most, onAsk }) {
  const { name, channels, types, min_priority: priority, text, lag, lag_is_exact: isExact, position, updated_at: at, connected } = reader;
  const updated = Date.parse(at);
  const narrowed = [types.join(", "), priority === "min" ? "" : `${priority} and above`, text ? `“${text}”` : ""].filter(Boolean).join(" · ");
  return html`<tr role="row" class="two-lines" data-testid="reader-row" data-reader=${name}>
    <${Cell} name="Reader"><span class="strong reader-name">${name}</span><//>
    <${Cell} name="Patterns">${(channels.length ? channels : [">"]).map((pattern) => html`<span class="tag" key=${pattern}>${pattern}</span>`)}${narrowed && html`<span class="muted"> ${narrowed}</span>`}<//>
    <${Cell} name="Behind" phone="under"><span class="lag ${lag > 0 ? "behind" : "good"}" data-testid="reader-lag" title=${isExact ? undefined : "All events count after its position, also those that it does not want"}>
      <span>${lag > 0 ? `${isExact ? "" : "up to "}${count(lag)}` : "caught up"}</span><${Meter} part=${lag / most} /></span><//>
    <${Cell} name="Last active"><span class="stacked"><time datetime=${at} title="Last opened or confirmed: ${fullTime(updated)}">${moment(updated, now.value, { seconds: true })}</time><span class="muted" data-testid="reader-confirmed">${seqOf(position) ? `confirmed to #${seqOf(position)}` : "nothing confirmed"}</span></span><//>
    <${Cell} name="State" phone="top">${connected > 0
      ? html`<span class="state live"><${Icon} name="live" />connected${connected > 1 ? ` × ${connected}` : ""}</span>`
      : html`<span class="state"><${Icon} name="stalled" />away ${ago(updated, now.value).replace(/ ago|now/, "")}</span>`}<//>
    <${Cell} name="" phone="under"><span class="row-actions">
      ${lag > 0 && html`<button type="button" class="button" onClick=${() => onAsk(ReadOn)} data-testid="reader-skip"><${Icon} name="down" />Skip to now…<span class="visually-hidden"> ${name}</span></button>`}
      <button type="button" class="button" onClick=${() => onAsk(Forget)} data-testid="reader-forget"><${Icon} name="remove" />Forget…<span class="visually-hidden"> ${name}</span></button></span><//>
  </tr>`;
}

// Relative to the reader that is furthest behind.
function Meter({ part }) {
  return html`<svg class="meter" width="56" height="4" aria-hidden="true"><rect class="ground" width="56" height="4" rx="2" /><rect width=${part > 0 ? Math.max(3, 56 * part) : 0} height="4" rx="2" /></svg>`;
}

function ReadOn({ reader: { name, lag }, last, onClose }) {
  const { busy, problem, run } = useAction();
  const skip = async () => {
    if (!(await run(() => send("POST", `/api/readers/${encodeURIComponent(name)}/ack`, { position: last })))) return;
    toast(`${name} continues with the next event`);
    onClose();
  };
  return html`<${Dialog} title="Skip to now: ${name}" onClose=${onClose} testid="skip">
    <p class="dialog-lead">${capital(plural(lag, "event counts", "events count"))} as confirmed, although nobody read them. They stay in the log.</p>
    <${ProblemNote} problem=${problem} />
    <footer><button type="button" class="button" onClick=${onClose} autofocus>Cancel</button>
      <button type="button" class="button danger" disabled=${busy || !last} onClick=${skip} data-testid="skip-do">Skip ${plural(lag, "event", "events")}</button></footer>
  <//>`;
}

// What a reader has not read is lost with its name, so the name must be typed if there is something.
function Forget({ reader: { name, lag, connected }, onClose }) {
  const [typed, setTyped] = useState("");
  const { busy, problem, run } = useAction();
  const isMeant = lag === 0 || typed.trim() === name;
  const forget = async (submitted) => {
    submitted.preventDefault();
    if (!isMeant || !(await run(() => send("DELETE", `/api/readers/${encodeURIComponent(name)}`)))) return;
    toast(`${name} is forgotten`);
    onClose();
  };
  return html`<${Dialog} title="Forget ${name}" onClose=${onClose} testid="forget">
    <form onSubmit=${forget}>
      <p class="dialog-lead">Its place in the log is forgotten${lag > 0 ? `, with what it has not read: ${plural(lag, "event", "events")}` : ""}. ${connected > 0 ? "Its open connections stay, and the next confirmation creates it again. " : ""}The events stay in the log.</p>
      ${lag > 0 && html`<label class="field">Type <code>${name}</code> to confirm
        <input class="input code" value=${typed} autocomplete="off" spellcheck="false" autocapitalize="off" autofocus onInput=${(input) => setTyped(input.target.value)} data-testid="forget-typed" /></label>`}
      <${ProblemNote} problem=${problem} />
      <footer><button type="button" class="button" onClick=${onClose} autofocus=${lag === 0}>Cancel</button>
        <button type="submit" class="button danger" disabled=${busy || !isMeant} data-testid="forget-do"><${Icon} name="remove" />Forget reader</button></footer>
    </form>
  <//>`;
}

function None() {
  return html`<div class="start" data-testid="readers-empty"><div class="start-card">
    <span class="start-mark"><${Icon} name="readers" /></span>
    <h2>No readers yet</h2>
    <p>A reader is a name that remembers its place in the log. Whoever listens with the name continues after the last event it confirmed.</p>
    <${Command} text="fanfare listen --reader laptop" />
  </div></div>`;
}
