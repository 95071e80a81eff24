// Reads an OpenAPI document: groups operations and resolves references.

const methods = ["get", "post", "put", "patch", "delete", "head"];

// The order in which newcomers need the groups; the document itself is sorted by path.
const first = ["push", "listen", "history", "readers", "overview", "operation"];

// `[{ name, text, operations: [{ id, method, path, … }] }]`
export function operationsOf(root) {
  const tags = root.tags ?? first.map((name) => ({ name }));
  const groups = new Map(tags.map(({ name, description }) => [name, { name, text: description, operations: [] }]));
  for (const [path, item] of Object.entries(root.paths ?? {})) {
    for (const method of methods) {
      const operation = item[method];
      if (!operation) continue;
      const name = operation.tags?.[0] ?? "Operations";
      if (!groups.has(name)) groups.set(name, { name, operations: [] });
      groups.get(name).operations.push({
        ...operation,
        id: `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, "-")}`,
        method,
        path,
        parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) => resolve(root, one)),
      });
    }
  }
  return [...groups.values()].filter(({ operations }) => operations.length > 0);
}

// Resolves references within the document. Follows chains of them, up to a limit in case they form a circle.
export function resolve(root, value) {
  let found = value;
  for (let i = 0; found?.$ref && i < 10; i += 1) {
    if (!found.$ref.startsWith("#/")) return {};
    const steps = found.$ref.slice(2).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    found = steps.reduce((at, step) => at?.[step], root);
  }
  return found ?? {};
}

export function nameOf(schema) {
  return schema?.$ref?.split("/").at(-1);
}

// A short name for a schema: `string`, `integer`, `Event[]`, `"sse" | "websocket"`.
export function typeOf(root, schema, depth = 0) {
  if (schema === undefined || schema === true || depth > 4) return "any";
  const named = nameOf(schema);
  const at = resolve(root, schema);
  if (at.enum && at.enum.length <= 8) return at.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (at.const !== undefined) return JSON.stringify(at.const);
  if (named) return named;
  const choices = at.oneOf ?? at.anyOf;
  if (choices) return [...new Set(choices.map((one) => typeOf(root, one, depth + 1)))].join(" | ");
  if (at.allOf) return at.allOf.map((one) => typeOf(root, one, depth + 1)).join(" & ");
  const types = [at.type ?? (at.properties ? "object" : "any")].flat();
  return types.map((type) => (type === "array" ? `${wrapped(typeOf(root, at.items, depth + 1))}[]` : type)).join(" | ");
}

function wrapped(text) {
  return text.includes(" ") ? `(${text})` : text;
}
