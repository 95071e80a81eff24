// Renders `/openapi.json` without a third-party viewer, so that the page loads nothing from other sites.
import { html, useEffect, useMemo } from "../../vendor/preact.js";
import { capital } from "../format.js";
import { usePolled } from "../poll.js";
import { hash } from "../router.js";
import { Prose } from "./prose.js";
import { operationsOf, resolve } from "./openapi.js";
import { Operation } from "./operation.js";
import { Schema } from "./schema.js";

const AN_HOUR_MS = 3600000;

export function Reference() {
  const { data: document_, problem } = usePolled("/openapi.json", AN_HOUR_MS).value;
  const groups = useMemo(() => (document_ ? operationsOf(document_) : []), [document_]);
  useEffect(() => {
    // The target of the link exists only now; the browser has already looked for it.
    if (document_ && hash.value) document.getElementById(decodeURIComponent(hash.value.slice(1)))?.scrollIntoView();
  }, [document_, hash.value]);
  if (!document_) return html`<p class="screen-note">${problem ? capital(problem.message) : "Loading…"}</p>`;
  if (groups.length === 0) return html`<p class="screen-note">The gateway returned no API description.</p>`;
  const { info, components } = document_;
  const schemas = Object.entries(components?.schemas ?? {});
  return html`<div class="reference" data-testid="reference">
    <nav class="reference-nav" aria-label="Operations">
      ${groups.map(
        ({ name, operations }) => html`<section key=${name}><h2>${name}</h2><ul>
          ${operations.map(
            (one) => html`<li key=${one.id}><a href="#${one.id}"><span class="method ${one.method}">${one.method}</span><span class="path">${one.path}</span></a></li>`,
          )}
        </ul></section>`,
      )}
    </nav>
    <article class="reference-body">
      <header><p class="eyebrow">${info.title} ${info.version}</p><${Prose} text=${info.description} />
        <p class="muted">OpenAPI: <a href="/openapi.json" target="_blank">/openapi.json</a></p></header>
      ${groups.map(
        ({ name, text, operations }) => html`<section key=${name} class="reference-group"><h2>${name}</h2><${Prose} text=${text} />
          ${operations.map((one) => html`<${Operation} key=${one.id} operation=${one} root=${document_} />`)}
        </section>`,
      )}
      ${schemas.length > 0 &&
      html`<section class="reference-group"><h2>Schemas</h2>
        ${schemas.map(
          ([name, schema]) => html`<section key=${name} class="operation" id="schema-${name}"><h3 class="mono">${name}</h3>
            <${Schema} schema=${resolve(document_, schema)} root=${document_} /></section>`,
        )}
      </section>`}
    </article>
  </div>`;
}
