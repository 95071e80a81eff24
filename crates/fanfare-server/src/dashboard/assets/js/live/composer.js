// The push box. Enter sends; the fields behind the braces button are optional.
import { createRef, html, useEffect, useState } from "../../vendor/preact.js";
import { push } from "../api.js";
import { plural } from "../format.js";
import { ProblemNote } from "../ui/action.js";
import { Combobox } from "../ui/combobox.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import * as draft from "./draft.js";
import { knownChannels } from "./known.js";

const field = createRef();

export function focusComposer() {
  field.current?.focus();
}

const priorities = ["min", "low", "default", "high", "max"];

export function Composer() {
  const [problem, setProblem] = useState(null);
  const [sending, setSending] = useState(false);
  const message = draft.message.value;

  useEffect(() => {
    // As tall as its text, up to the limit in the style sheet.
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [message]);

  const send = async (submit) => {
    submit?.preventDefault();
    if (!message.trim() || sending || draft.data.value.wrong) return;
    setSending(true);
    try {
      const answer = await push(draft.draftedEvent());
      draft.message.value = "";
      setProblem(null);
      toast(`Pushed to ${answer.channel} · ${plural(answer.stream_clients, "subscriber", "subscribers")}`);
    } catch (failed) {
      setProblem(failed);
    }
    setSending(false);
    field.current?.focus();
  };

  const onKeyDown = (key) => {
    if (key.key === "Enter" && !key.shiftKey && !key.isComposing) {
      key.preventDefault();
      send();
    }
  };

  return html`<form class="composer" onSubmit=${send} aria-label="Push an event">
    ${draft.more.value && html`<${More} />`}
    <div class="composer-line">
      <${Combobox} value=${draft.channel.value} onInput=${(text) => (draft.channel.value = text)} label="Channel" placeholder="default" openUp
        testid="publish-channel" inputClass="composer-channel" options=${knownChannels.value}
        onPick=${(channel) => {
          draft.channel.value = channel;
          focusComposer();
        }} />
      <textarea ref=${field} rows="1" class="composer-message" aria-label="Message" placeholder="Push a message…" value=${message}
        onInput=${(input) => (draft.message.value = input.target.value)} onKeyDown=${onKeyDown} data-testid="publish-message" />
      <button type="button" class="icon-button ${draft.more.value ? "on" : ""}" aria-expanded=${draft.more.value} aria-label="Type, priority and data"
        title="Type, priority and data" onClick=${() => (draft.more.value = !draft.more.value)} data-testid="publish-more"><${Icon} name="braces" /></button>
      <button type="submit" class="button primary send" disabled=${!message.trim() || sending || Boolean(draft.data.value.wrong)} aria-label="Push" title="Push (Enter)" data-testid="publish-send"><${Icon} name="up" /></button>
    </div>
    <${ProblemNote} problem=${problem} testid="publish-problem" />
  </form>`;
}

function More() {
  const { wrong } = draft.data.value;
  return html`<div class="composer-more" data-testid="publish-options">
    <label class="field">Type
      <input class="input" list="types" value=${draft.type.value} autocomplete="off" spellcheck="false"
        onInput=${(input) => (draft.type.value = input.target.value)} data-testid="publish-type" />
      <datalist id="types">${["info", "success", "warning", "error"].map((type) => html`<option key=${type} value=${type} />`)}</datalist>
    </label>
    <label class="field">Priority
      <span class="select"><select class="input" value=${draft.priority.value} onChange=${(select) => (draft.priority.value = select.target.value)} data-testid="publish-priority">
        ${priorities.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
      </select><${Icon} name="chevron" class="turned" /></span>
    </label>
    <label class="field data">Data <span class="hint ${wrong ? "wrong" : ""}" id="data-hint">${wrong ? `Invalid JSON: ${wrong}` : "JSON, optional"}</span>
      <textarea class="input code" rows="3" spellcheck="false" placeholder='{"sha": "ab12"}' value=${draft.dataText.value} aria-describedby="data-hint"
        aria-invalid=${Boolean(wrong)} onInput=${(input) => (draft.dataText.value = input.target.value)} data-testid="publish-data" />
    </label>
  </div>`;
}
