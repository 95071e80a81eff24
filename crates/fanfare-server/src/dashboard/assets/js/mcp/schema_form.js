// A form from a tool's JSON Schema, with a field per argument. Arguments without a suitable field are entered as JSON.
import { html } from "../../vendor/preact.js";
import { Prose } from "../reference/prose.js";
import { Icon } from "../ui/icon.js";

// Converts the text of each kind of field to a value.
const kinds = {
  choice: (text) => text,
  flag: (text) => text === "true",
  integer: (text) => whole(Number(text)),
  json: (text) => JSON.parse(text),
  number: (text) => finite(Number(text)),
  text: (text) => text,
};

function kindOf({ type, enum: choices }) {
  if (choices?.every((choice) => typeof choice === "string")) return "choice";
  return { boolean: "flag", integer: "integer", number: "number", string: "text" }[type] ?? "json";
}

function finite(number) {
  if (!Number.isFinite(number)) throw new Error("enter a number");
  return number;
}

function whole(number) {
  if (!Number.isInteger(number)) throw new Error("enter a whole number");
  return number;
}

// The arguments from these texts; empty fields are left out.
export function argumentsOf(schema, texts) {
  const value = {};
  const wrong = {};
  for (const [name, member] of Object.entries(schema?.properties ?? {})) {
    const text = texts[name] ?? "";
    if (text === "") continue;
    try {
      value[name] = kinds[kindOf(member)](text);
    } catch (error) {
      wrong[name] = error.message;
    }
  }
  return { value, wrong };
}

export function SchemaForm({ schema, texts, wrong, onChange }) {
  const members = Object.entries(schema?.properties ?? {});
  if (members.length === 0) return html`<p class="muted">This tool takes no arguments.</p>`;
  return members.map(
    ([name, member]) => html`<${Field} key=${name} name=${name} member=${member} text=${texts[name] ?? ""} wrong=${wrong[name]}
      required=${schema.required?.includes(name) ?? false} onChange=${(text) => onChange(name, text)} />`,
  );
}

function Field({ name, member, text, wrong, required, onChange }) {
  const hint = `mcp-hint-${name}`;
  return html`<div class="field mcp-field">
    <label for="mcp-field-${name}"><code>${name}</code>${required && html`<span class="required">required</span>`}</label>
    <${Input} id="mcp-field-${name}" name=${name} member=${member} text=${text} wrong=${wrong} hint=${hint} onChange=${onChange} />
    <p class="hint ${wrong ? "wrong" : ""}" id=${hint}>${wrong ?? html`<${Prose} text=${member.description} inline />`}</p>
  </div>`;
}

function Input({ id, name, member, text, wrong, hint, onChange }) {
  const kind = kindOf(member);
  const common = { id, "aria-describedby": hint, "data-testid": "mcp-field", "data-name": name };
  const typed = (input) => onChange(input.target.value);
  if (kind === "choice" || kind === "flag") {
    const choices = kind === "flag" ? ["true", "false"] : member.enum;
    return html`<span class="select"><select class="input" ...${common} value=${text} onChange=${typed}>
      <option value="">${member.default === undefined ? "not set" : `default: ${member.default}`}</option>
      ${choices.map((choice) => html`<option key=${choice} value=${choice}>${choice}</option>`)}
    </select><${Icon} name="chevron" class="turned" /></span>`;
  }
  if (kind === "json" || name === "message") {
    return html`<textarea class="input ${kind === "json" ? "code" : ""}" rows="2" spellcheck="false" ...${common} value=${text} onInput=${typed}
      aria-invalid=${Boolean(wrong)} placeholder=${kind === "json" ? "JSON" : ""} />`;
  }
  return html`<input class="input" type="text" autocomplete="off" spellcheck="false" ...${common} value=${text} onInput=${typed} aria-invalid=${Boolean(wrong)}
    inputmode=${kind === "text" ? undefined : "decimal"} placeholder=${member.default ?? ""} />`;
}
