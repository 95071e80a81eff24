// The state of the open event with each matching webhook and durable reader.
import { html } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { plural, until } from "../format.js";
import { usePolled } from "../poll.js";
import { Icon } from "../ui/icon.js";
import { placeOf, wordOf } from "../webhooks/words.js";

const EVERY_MS = 2000;
// Nobody reads hundreds of rows; the totals are above them.
const SHOWN_MAX = 50;

const states = {
  failed: ["error", "failed", "wh-wrong"],
  delivered: ["success", "delivered", "wh-active"],
  pending: ["stalled", "not sent yet", ""],
  waiting: ["stalled", "waiting", "wh-held"],
};

export function Receipts({ id }) {
  const { data } = usePolled(`/api/events/${encodeURIComponent(id)}/receipts`, EVERY_MS).value;
  if (!data || data.webhooks_total + data.readers_total === 0) return null;
  return html`<section class="drawer-data" aria-labelledby="drawer-receipts" data-testid="receipts">
    <h3 id="drawer-receipts">Deliveries <span class="muted">${data.webhooks_total > 0 && `${data.webhooks_delivered} of ${plural(data.webhooks_total, "webhook", "webhooks")}`}</span></h3>
    <ul class="receipts">
      ${data.webhooks.slice(0, SHOWN_MAX).map((webhook) => html`<${Webhook} key=${webhook.webhook_id} webhook=${webhook} event=${id} />`)}
      ${data.readers.slice(0, SHOWN_MAX).map(
        ({ reader, acknowledged }) => html`<li key=${reader}><span class="receipt-who">reader <span class="mono">${reader}</span></span>
          <span class="state ${acknowledged ? "wh-active" : ""}"><${Icon} name=${acknowledged ? "success" : "stalled"} />${acknowledged ? "acknowledged" : "not acknowledged"}</span></li>`,
      )}
    </ul>
  </section>`;
}

function Webhook({ webhook: { webhook_id: webhook, webhook_name: name, webhook_url: url, state, attempts, outcome, next_attempt_at: nextAt }, event }) {
  const [icon, word, kind] = states[state];
  const left = nextAt && until(Date.parse(nextAt), now.value);
  const said = state === "waiting" ? (left ? `retry in ${left}` : "retrying") : word;
  return html`<li data-testid="receipt" data-state=${state}>
    <a class="receipt-who mono" href="/webhooks/${webhook}?event=${event}" title=${url}>${name ?? placeOf(url)}</a>
    <span class="state ${kind}"><${Icon} name=${icon} />${said}</span>
    ${attempts && html`<span class="receipt-why muted">${plural(attempts, "attempt", "attempts")}, ${wordOf(outcome)}</span>`}
  </li>`;
}
