// One operation: its parameters and body, its responses, and a command that calls it.
import { html } from "../../vendor/preact.js";
import { home } from "../base.js";
import { Command } from "../ui/copy.js";
import { resolve, typeOf } from "./openapi.js";
import { Prose } from "./prose.js";
import { Schema } from "./schema.js";

export function Operation({ operation, root }) {
  const { id, method, path, summary, description, parameters, requestBody, responses } = operation;
  const body = requestBody && resolve(root, requestBody);
  return html`<section class="operation" id=${id} data-testid="operation" aria-labelledby="${id}-title">
    <h3 id="${id}-title"><span class="method ${method}">${method}</span> <a class="mono" href="#${id}">${path}</a></h3>
    ${summary && html`<p class="summary">${summary}</p>`}
    <${Prose} text=${description === summary ? "" : description} />
    ${parameters.length > 0 &&
    html`<h4>Parameters</h4><dl class="members">
      ${parameters.map(
        (one) => html`<div key="${one.in}-${one.name}"><dt><code>${one.name}</code>${one.required && html`<span class="required">required</span>`}
          <span class="muted">${one.in} · ${typeOf(root, one.schema)}</span></dt><dd><${Prose} text=${one.description} /></dd></div>`,
      )}
    </dl>`}
    ${body && html`<h4>Body</h4><${Content} content=${body.content} root=${root} />`}
    <h4>Responses</h4>
    ${Object.entries(responses ?? {}).map(([status, answer]) => html`<${Answer} key=${status} status=${status} answer=${resolve(root, answer)} root=${root} />`)}
    <${Command} text=${commandFor(operation)} />
  </section>`;
}

function Answer({ status, answer, root }) {
  return html`<div class="answer"><p><code class="status ${status[0] === "2" ? "good" : ""}">${status}</code> <${Prose} text=${answer.description} inline /></p>
    ${status[0] === "2" && html`<${Content} content=${answer.content} root=${root} />`}</div>`;
}

function Content({ content, root }) {
  return Object.entries(content ?? {}).map(
    ([type, { schema, example }]) => html`<div class="content" key=${type}>
      <p class="muted"><code>${type}</code> ${typeOf(root, schema)}</p>
      ${schema && html`<${Schema} schema=${resolve(root, schema)} root=${root} />`}
      ${example !== undefined && html`<pre tabindex="0">${typeof example === "string" ? example : JSON.stringify(example, null, 2)}</pre>`}
    </div>`,
  );
}

function commandFor({ method, path, requestBody, parameters }) {
  const filled = path.replaceAll(/\{\*?(\w+)\}/g, (_, name) => name.toUpperCase());
  const url = `${home}${filled}`;
  const stream = path === "/stream" ? "-N " : "";
  if (method === "get") return `curl ${stream}${url}`;
  const verb = method === "post" ? "" : `-X ${method.toUpperCase()} `;
  if (!requestBody) return method === "head" ? `curl -I ${url}` : `curl -X ${method.toUpperCase()} ${url}`;
  if (parameters.some((one) => one.in === "path" && one.name === "channel")) return `curl ${verb}-d "deploy finished" ${url}`;
  return `curl ${verb}${url} -H 'content-type: application/json' -d '{…}'`;
}
