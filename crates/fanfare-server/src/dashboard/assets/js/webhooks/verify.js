// How a receiver verifies that a request came from this gateway.
import { html, useState } from "../../vendor/preact.js";
import { Code } from "../ui/code.js";
import { Icon } from "../ui/icon.js";
import { Segments } from "../ui/segments.js";
import { snippets } from "./snippets.js";

export function Verify({ webhook, ask }) {
  const [language, setLanguage] = useState("node");
  const { about, text } = snippets[language];
  return html`<section class="wh-verify" aria-label="Signatures" data-testid="verify">
    <p>Every request carries three headers. With the secret, a receiver can verify that a request came from this gateway, was not altered, and is not a replay of an old one.</p>
    <dl class="facts">
      <div><dt><code>webhook-id</code></dt><dd>the same for every attempt at a delivery: use it to ignore duplicates</dd></div>
      <div><dt><code>webhook-timestamp</code></dt><dd>seconds since 1970; reject anything more than five minutes off</dd></div>
      <div><dt><code>webhook-signature</code></dt><dd><code>v1,</code> and the base64 of the HMAC-SHA256 of <code>${"{id}.{timestamp}.{body}"}</code>; several, separated by spaces, while a secret is being rotated</dd></div>
      ${webhook.signatures.includes("v1a") && html`<div><dt>Public key</dt><dd class="mono">${webhook.public_key}</dd></div>`}
    </dl>
    <${Segments} label="Language" testid="verify" value=${language} onPick=${setLanguage} options=${Object.entries(snippets).map(([name, { title }]) => [name, title])} />
    <p class="muted">${about}</p>
    <${Code} text=${text} label="Signature verification code" testid="snippet" />
    <p class="hint">The key is the secret without <code>whsec_</code>, decoded as base64. Take the body as bytes, before anything parses it. The Standard Webhooks libraries do all of this.</p>
    <button type="button" class="button" onClick=${() => ask({ kind: "rotate" })}><${Icon} name="key" />Lost the secret? Rotate it…</button>
  </section>`;
}
