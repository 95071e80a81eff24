// The request being composed. It survives a change of screen.
import { computed, signal } from "../../vendor/preact.js";
import { tools } from "./connection.js";
import { argumentsOf } from "./schema_form.js";

// Each method with its initial parameters.
export const methods = {
  initialize: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "browser", version: "1" } },
  ping: {},
  "tools/list": {},
  "tools/call": null,
  "resources/list": {},
  "resources/templates/list": {},
  "resources/read": { uri: "fanfare://channels" },
  "prompts/list": {},
  "prompts/get": { name: "", arguments: {} },
};

export const method = signal("tools/call");
export const toolName = signal(null);
// "form" or "json".
export const mode = signal("form");
// The texts of the fields, by tool and name.
export const fields = signal({});
const texts = signal({});

export const tool = computed(() => tools.value?.find(({ name }) => name === toolName.value) ?? tools.value?.[0] ?? null);
export const usesForm = computed(() => method.value === "tools/call" && mode.value === "form");

const key = computed(() => (method.value === "tools/call" ? `tools/call ${tool.value?.name}` : method.value));

// The parameters as text; for a tool, its arguments.
export const text = computed(() => texts.value[key.value] ?? JSON.stringify(methods[method.value] ?? {}, null, 2));

export function setText(value) {
  texts.value = { ...texts.value, [key.value]: value };
}

export function setField(name, value) {
  const { name: of } = tool.value;
  fields.value = { ...fields.value, [of]: { ...fields.value[of], [name]: value } };
}

export function setMode(next) {
  // The text starts with the content of the form.
  if (next === "json" && mode.value === "form" && tool.value) setText(JSON.stringify(filled.value.value, null, 2));
  mode.value = next;
}

// The arguments from the form: `{ value, wrong }`, with `wrong` by name.
export const filled = computed(() => argumentsOf(tool.value?.inputSchema, fields.value[tool.value?.name] ?? {}));

const parsed = computed(() => {
  try {
    const value = JSON.parse(text.value);
    if (value === null || typeof value !== "object" || Array.isArray(value)) return { wrong: "must be an object: {…}" };
    return { value };
  } catch (error) {
    return { wrong: error.message };
  }
});

export const textWrong = computed(() => (usesForm.value ? null : (parsed.value.wrong ?? null)));

// `{ method, params }`, or null while something is invalid.
export const drafted = computed(() => {
  if (method.value !== "tools/call") return parsed.value.value ? { method: method.value, params: parsed.value.value } : null;
  if (!tool.value) return null;
  const { value, wrong } = usesForm.value ? filled.value : parsed.value;
  if (!value || (usesForm.value && Object.keys(wrong).length > 0)) return null;
  return { method: "tools/call", params: { name: tool.value.name, arguments: value } };
});
