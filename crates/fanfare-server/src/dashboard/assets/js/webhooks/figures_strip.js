// The key figures of one webhook, in a row.
import { html } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { ago, count, fullTime, percent, plural, took } from "../format.js";
import { usePolled } from "../poll.js";
import { lastTried, shareOf, slowOf, usualOf } from "./figures.js";

const EVERY_MS = 1500;

export function Figures({ webhook, base }) {
  const stats = usePolled(`${base}/stats`, EVERY_MS).value.data;
  const share = shareOf(stats);
  const slow = slowOf(stats);
  const usual = usualOf(stats);
  const last = lastTried(webhook, stats);
  const { waiting, failed, lag, lag_is_exact: isExact } = webhook;
  return html`<div class="wh-figures">
    <dl>
      <${Figure} name="Delivered, 24 h" value=${percent(share.delivered, share.all)} under=${`${count(share.delivered)} of ${plural(share.all, "attempt", "attempts")}`} testid="figure-delivered" />
      <${Figure} name="p50" value=${usual === null ? "–" : took(usual)} under="of the latest 50" testid="figure-p50" />
      <${Figure} name="p95" value=${slow === null ? "–" : took(slow)} under="of the latest 50" testid="figure-p95" />
      <${Figure} name="Last attempt" value=${last === null ? "–" : ago(last, now.value)} title=${last === null ? undefined : fullTime(last)} under=${last === null ? "none yet" : new Date(last).toLocaleTimeString()} />
      <${Figure} name="Lag" value=${count(lag)} under=${isExact ? "not sent yet" : "not all for it"} testid="figure-lag" />
      <${Figure} name="Waiting" value=${count(waiting)} under="for a retry" testid="figure-waiting" />
      <${Figure} name="Failed" value=${count(failed)} under="not retried" wrong=${failed > 0} testid="figure-failed" />
    </dl>
  </div>`;
}

function Figure({ name, value, under, title, wrong = false, testid }) {
  return html`<div class="wh-figure"><dt>${name}</dt><dd class=${wrong ? "wh-wrong" : ""} title=${title} data-testid=${testid}>${value}</dd><dd class="under">${under}</dd></div>`;
}
