// What each request contains: a payload of the gateway, the body that a service takes, or a template of one's own.
import { html, useState } from "../../vendor/preact.js";
import { send } from "../api.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { BodyText } from "../ui/code.js";
import { Icon } from "../ui/icon.js";
import { bodyOf } from "./draft.js";
import { Choice, Hint, isAt } from "./field.js";

const payloads = [
  ["seed", "Plain: message and timestamp, with the other fields alongside"],
  ["event", "Event: as in the rest of the API"],
  ["cloudevents", "CloudEvents 1.0, structured"],
  ["original", "Original: only requests to /ingest, as they were received"],
];
const services = [
  ["slack", "Slack: an incoming webhook"],
  ["discord", "Discord: a webhook of a channel"],
  ["teams", "Teams: a workflow, as an adaptive card"],
  ["telegram", "Telegram: sendMessage, with chat_id in the address"],
  ["ntfy", "ntfy: the server, with topic in the address"],
  ["pagerduty", "PagerDuty: Events API v2, with routing_key in the address"],
];
const OWN = "own";
const OWN_FIRST = '{\n  "text": {{ channel ~ ": " ~ message }}\n}';

export function BodyField({ draft, set, problem, webhook }) {
  const { payload, template } = draft;
  const kind = !template ? payload : services.some(([name]) => name === template) ? template : OWN;
  const pick = (name) => {
    if (payloads.some(([known]) => known === name)) set({ payload: name, template: "" });
    else set({ payload: payload === "original" ? "seed" : payload, template: name === OWN ? OWN_FIRST : name });
  };
  const options = [...payloads, ...services, [OWN, "A template of your own"]];
  return html`<${Choice} id="webhook-payload" label="Body" hint="what each request contains" value=${kind} onPick=${pick} options=${options} at=${kind === OWN ? "" : "/template"} problem=${problem} />
    ${kind === OWN && html`<div class="field"><label for="webhook-template">Template</label>
      <textarea class="input code wh-template" id="webhook-template" rows="7" spellcheck="false" value=${template} aria-describedby="webhook-template-hint" aria-invalid=${isAt(problem, "/template")}
        onInput=${(input) => set({ template: input.target.value || " " })} data-testid="webhook-template" />
      <${Hint} id="webhook-template-hint" hint="channel, type, message, priority, data, id, timestamp; {{ message }} writes its own quotes" problem=${problem} at="/template" /></div>`}
    ${template && html`<${Preview} draft=${draft} webhook=${webhook} />`}`;
}

function Preview({ draft, webhook }) {
  // The result and the template that it is of: after a change, the result is void.
  const [shown, setShown] = useState(null);
  const { busy, problem, run } = useAction();
  const { template } = draft;
  const preview = async () => {
    const ask = webhook ? () => send("POST", `/api/webhooks/${webhook.id}/preview`, { template }) : () => send("POST", "/api/webhooks/preview", bodyOf(draft));
    const answer = await run(ask);
    setShown(answer ? { template, body: answer.body } : null);
  };
  return html`<div class="wh-preview"><button type="button" class="button" disabled=${busy || (!webhook && !draft.webhook_url.trim())} onClick=${preview} data-testid="webhook-preview"><${Icon} name="search" />Preview</button>
    <${ProblemNote} problem=${problem} testid="webhook-preview-problem" />
    ${shown?.template === template && html`<${BodyText} text=${shown.body} label="The body of a test event" testid="webhook-preview-body" />`}</div>`;
}
