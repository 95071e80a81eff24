// The open attempt: its request, its response, and the duration of each phase.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { get, send } from "../api.js";
import { now } from "../clock.js";
import { attemptWithCurl } from "../commands.js";
import { ago, bytes, capital, fullTime } from "../format.js";
import { setParams } from "../router.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { BodyText } from "../ui/code.js";
import { CopyButton } from "../ui/copy.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { Phases } from "./phases.js";
import { adviceOn, kinds, wordOf } from "./words.js";

export function AttemptDrawer({ id, base, ask }) {
  const { attempt, problem } = useAttempt(id);
  const title = useRef(null);
  // Only on opening: `j` and `k` change the attempt and must not move the focus.
  useEffect(() => title.current.focus({ preventScroll: true }), []);
  return html`<aside class="drawer wh-drawer" aria-labelledby="attempt-title" data-testid="attempt" data-attempt=${attempt?.id}>
    <header>
      <h2 id="attempt-title" ref=${title} tabindex="-1">Attempt${attempt && html` <span class="mono">${fullTime(Date.parse(attempt.started_at))}</span>`}</h2>
      <button type="button" class="icon-button" aria-label="Close" title="Close (Esc)" onClick=${() => setParams({ attempt: null }, { replace: true })} data-testid="attempt-close"><${Icon} name="close" /></button>
    </header>
    ${attempt ? html`<${Detail} key=${attempt.id} attempt=${attempt} base=${base} ask=${ask} />` : html`<p class="drawer-empty">${problem ? capital(problem.message) : "Loading…"}</p>`}
  </aside>`;
}

function useAttempt(id) {
  const [fetched, setFetched] = useState({});
  useEffect(() => {
    let isWanted = true;
    const take = (found) => isWanted && setFetched({ id, ...found });
    get(`/api/attempts/${encodeURIComponent(id)}`).then((attempt) => take({ attempt }), (problem) => take({ problem }));
    return () => (isWanted = false);
  }, [id]);
  // Keeps the previous attempt until the next one is loaded, so that the drawer does not flicker.
  return fetched;
}

function Detail({ attempt, base, ask }) {
  const { outcome, status_code: status, kind, number, started_at: at, event_id: event, message_id: messageId, times, request, answer, answer_is_hidden: isHidden, events } = attempt;
  const delivered = outcome === "delivered";
  const isTest = kind === "test";
  const advice = adviceOn(attempt);
  const ms = Date.parse(at);
  return html`<div class="drawer-body">
    <div class="wh-result ${delivered ? "" : "failed"}"><${Icon} name=${delivered ? "success" : "error"} />
      <div><p data-testid="attempt-result">${status ? `${status}, ${wordOf(outcome)}` : wordOf(outcome)}</p>${advice && html`<p class="advice">${advice}</p>`}</div></div>
    ${!isTest && html`<${Again} event=${event} base=${base} ask=${ask} request=${request} />`}
    <${Phases} times=${times} />
    <dl class="facts">
      <${Fact} name="Event">${isTest ? html`<span class="muted">test event, not in the log</span>` : html`<a class="mono" href="/?event=${event}">${event}</a>${events > 1 ? ` and ${events - 1} more` : ""} <a class="quiet-link" href="?event=${event}">all attempts</a>`}<//>
      <${Fact} name="Kind">${kinds[kind] ?? `attempt ${number}`}<//>
      <${Fact} name="Time"><time datetime=${at} title=${at}>${fullTime(ms)}</time> <span class="muted">${ago(ms, now.value)}</span><//>
      <${Fact} name="webhook-id"><span class="mono">${messageId}</span><//>
    </dl>
    <${Request} request=${request} event=${event} isTest=${isTest} base=${base} />
    <section class="drawer-data" aria-labelledby="attempt-answer">
      <h3 id="attempt-answer">Response</h3>
      ${answer
        ? html`<${Headers} label="Response headers" headers=${answer.headers} />
            <${BodyText} text=${answer.body} isCut=${answer.is_cut} label="Response body" testid="answer-body" />
            ${answer.is_cut && html`<p class="hint">Only the first 16 KiB are shown.</p>`}`
        : html`<p class="muted">${isHidden ? "The response of a private address is not shown." : "No response."}</p>`}
    </section>
  </div>`;
}

function Request({ request, event, isTest, base }) {
  const [asNow, setAsNow] = useState(null);
  const isKept = request.body !== undefined;
  useEffect(() => {
    if (!isKept && !isTest) get(`${base}/deliveries/${event}`).then(({ body }) => setAsNow(JSON.stringify(body)), () => setAsNow(null));
  }, [event]);
  return html`<section class="drawer-data" aria-labelledby="attempt-request">
    <h3 id="attempt-request">Request <span class="muted">POST ${request.url}</span></h3>
    <${Headers} label="Request headers" headers=${request.headers} />
    <p class="hint">Signed content: <code>${`${request.headers["webhook-id"]}.${request.headers["webhook-timestamp"]}.`}</code> followed by the body.</p>
    ${isKept && html`<${BodyText} text=${request.body} isCut=${request.is_cut} label="Request body" testid="request-body" />`}
    ${!isKept && asNow !== null && html`<${BodyText} text=${asNow} label="Request body as it would be sent now" testid="request-body" />`}
    <p class="hint">${bytes(request.body_bytes)}${request.is_cut ? ", of which the first 16 KiB are shown" : ""}${isKept ? "" : ". Request bodies are kept for the newest 50 attempts"}${asNow === null ? "" : "; shown here is the event as it would be sent now"}.</p>
  </section>`;
}

function Again({ event, base, ask, request }) {
  const { busy, problem, run } = useAction();
  const resend = () =>
    run(async () => {
      const attempt = await send("POST", `${base}/deliveries/${event}/resend`);
      toast(attempt.outcome === "delivered" ? `Resent: ${attempt.status_code}` : `Resent, but failed: ${wordOf(attempt.outcome)}`, attempt.outcome === "delivered" ? "done" : "warning");
      setParams({ attempt: attempt.id }, { replace: true });
    });
  return html`<div class="drawer-actions">
      <button type="button" class="button" onClick=${resend} disabled=${busy} data-testid="attempt-resend"><${Icon} name="replay" />Resend</button>
      <button type="button" class="button" onClick=${() => ask({ kind: "edited", event })} data-testid="attempt-edit"><${Icon} name="edit" />Edit and send…</button>
      ${request.body !== undefined && !request.is_cut && html`<${CopyButton} label="curl" icon="terminal" text=${() => attemptWithCurl(request)} testid="attempt-curl" />`}
    </div><${ProblemNote} problem=${problem} />`;
}

function Headers({ label, headers }) {
  const names = Object.entries(headers);
  return html`<details class="wh-headers" open=${names.length <= 12}><summary>${label}</summary>
    <dl>${names.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></details>`;
}

function Fact({ name, children }) {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}
