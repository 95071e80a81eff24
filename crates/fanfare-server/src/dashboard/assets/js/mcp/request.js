// The request: a method, and its parameters as a form or as JSON.
import { html } from "../../vendor/preact.js";
import { Prose } from "../reference/prose.js";
import { CopyButton } from "../ui/copy.js";
import { Icon } from "../ui/icon.js";
import { isConnected, request, state, tools } from "./connection.js";
import * as draft from "./draft.js";
import { answered } from "./log.js";
import { SchemaForm } from "./schema_form.js";

export function Request() {
  const { value: drafted } = draft.drafted;
  const send = (submit) => {
    submit.preventDefault();
    if (drafted && isConnected.value) request(drafted.method, drafted.params, () => (answered.value += 1));
  };
  const whole = () => JSON.stringify({ jsonrpc: "2.0", id: 1, ...drafted }, null, 2);
  return html`<form class="mcp-request" onSubmit=${send} aria-label="Request">
    <label class="field">Method
      <span class="select"><select class="input code" value=${draft.method.value} onChange=${(select) => (draft.method.value = select.target.value)} data-testid="mcp-method">
        ${Object.keys(draft.methods).map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select><${Icon} name="chevron" class="turned" /></span>
    </label>
    ${draft.method.value === "tools/call" && html`<${Tool} />`}
    ${draft.usesForm.value ? html`<${Form} />` : html`<${Text} />`}
    <div class="mcp-actions">
      <button type="submit" class="button primary" disabled=${!isConnected.value || !drafted} data-testid="mcp-send"><${Icon} name="up" />Send</button>
      ${drafted && html`<${CopyButton} label="JSON-RPC" icon="braces" text=${whole} testid="mcp-copy" />`}
      <span class="muted" role="status" data-testid="mcp-obstacle">${obstacle()}</span>
    </div>
  </form>`;
}

// Why Send is disabled, because the invalid field may be out of sight.
function obstacle() {
  if (state.value === "disconnected") return "Connect first.";
  if (!isConnected.value) return "Waiting for the connection.";
  if (draft.drafted.value) return null;
  const names = draft.usesForm.value ? Object.keys(draft.filled.value.wrong) : [];
  if (names.length > 0) return html`Fix these first: ${names.map((name, index) => html`${index > 0 && ", "}<code>${name}</code>`)}`;
  return draft.textWrong.value ? "Fix the JSON." : null;
}

function Tool() {
  const tool = draft.tool.value;
  if (!tool) return html`<p class="muted">Connect to list the tools.</p>`;
  return html`<label class="field">Tool
      <span class="select"><select class="input code" value=${tool.name} onChange=${(select) => (draft.toolName.value = select.target.value)} data-testid="mcp-tool">
        ${tools.value.map(({ name }) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select><${Icon} name="chevron" class="turned" /></span>
    </label>
    <p class="mcp-about"><${Prose} text=${tool.description} inline /></p>
    <div class="mcp-modes" role="group" aria-label="Arguments as">
      ${["form", "json"].map(
        (mode) => html`<button type="button" key=${mode} aria-pressed=${draft.mode.value === mode} onClick=${() => draft.setMode(mode)} data-testid="mcp-mode-${mode}">
          ${mode === "form" ? "Form" : "JSON"}</button>`,
      )}
    </div>`;
}

function Form() {
  const tool = draft.tool.value;
  if (!tool) return null;
  return html`<div class="mcp-fields" data-testid="mcp-form" key=${tool.name}>
    <${SchemaForm} schema=${tool.inputSchema} texts=${draft.fields.value[tool.name] ?? {}} wrong=${draft.filled.value.wrong} onChange=${draft.setField} />
  </div>`;
}

function Text() {
  const wrong = draft.textWrong.value;
  const what = draft.method.value === "tools/call" ? "Arguments" : "Parameters";
  const lines = draft.text.value.split("\n").length;
  return html`<label class="field">${what} <span class="hint ${wrong ? "wrong" : ""}" id="mcp-text-hint">${wrong ? `Invalid: ${wrong}` : "JSON"}</span>
    <textarea class="input code" rows=${Math.min(16, Math.max(5, lines))} spellcheck="false" value=${draft.text.value} aria-describedby="mcp-text-hint" aria-invalid=${Boolean(wrong)}
      onInput=${(input) => draft.setText(input.target.value)} data-testid="mcp-text" />
  </label>`;
}
