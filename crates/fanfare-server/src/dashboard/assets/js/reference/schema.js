// The members of a schema. Named schemas are linked to, not repeated.
import { html } from "../../vendor/preact.js";
import { nameOf, resolve, typeOf } from "./openapi.js";
import { Prose } from "./prose.js";

export function Schema({ schema, root }) {
  const members = membersOf(root, schema);
  return html`<${Prose} text=${schema.description} />
    ${members.length > 0 &&
    html`<dl class="members">
      ${members.map(
        ({ name, member, required }) => html`<div key=${name}><dt><code>${name}</code>${required && html`<span class="required">required</span>`}
          <${Type} schema=${member} root=${root} /></dt><dd><${Prose} text=${resolve(root, member).description} /></dd></div>`,
      )}
    </dl>`}
    ${schema.enum && html`<p class="muted">One of ${schema.enum.map((one) => html`<code key=${one}>${JSON.stringify(one)}</code> `)}</p>`}`;
}

function Type({ schema, root }) {
  const named = nameOf(schema) ?? nameOf(resolve(root, schema).items);
  const text = typeOf(root, schema);
  return named ? html`<a class="muted" href="#schema-${named}">${text}</a>` : html`<span class="muted">${text}</span>`;
}

function membersOf(root, schema, depth = 0) {
  if (depth > 4) return [];
  const own = Object.entries(schema.properties ?? {}).map(([name, member]) => ({ name, member, required: schema.required?.includes(name) ?? false }));
  return [...own, ...(schema.allOf ?? []).flatMap((part) => membersOf(root, resolve(root, part), depth + 1))];
}
