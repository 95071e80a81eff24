// A form field with a label, a hint, and the gateway's error for it.
import { html } from "../../vendor/preact.js";
import { Icon } from "../ui/icon.js";

// Whether the gateway's error is about this place in the body, or below it.
export function isAt(problem, at) {
  return Boolean(at) && (problem?.at === at || Boolean(problem?.at?.startsWith(`${at}/`)));
}

export function Hint({ id, hint, problem, at }) {
  const wrong = isAt(problem, at);
  return html`<span class="hint ${wrong ? "wrong" : ""}" id=${id}>${wrong ? [problem.message, problem.fix].filter(Boolean).join(": ") : hint}</span>`;
}

export function Field({ id, label, hint, value, onInput, at, problem, placeholder, code = false, type = "text", inputmode }) {
  return html`<div class="field"><label for=${id}>${label}</label>
    <input class="input ${code ? "code" : ""}" id=${id} type=${type} value=${value} placeholder=${placeholder} autocomplete="off" spellcheck="false" autocapitalize="off" inputmode=${inputmode}
      aria-describedby="${id}-hint" aria-invalid=${isAt(problem, at)} onInput=${(input) => onInput(input.target.value)} data-testid=${id} />
    <${Hint} id="${id}-hint" hint=${hint} problem=${problem} at=${at} /></div>`;
}

export function Choice({ id, label, hint, value, onPick, options, at, problem }) {
  return html`<div class="field"><label for=${id}>${label}</label>
    <span class="select"><select class="input" id=${id} value=${value} aria-describedby="${id}-hint" onChange=${(select) => onPick(select.target.value)} data-testid=${id}>
      ${options.map(([name, text]) => html`<option key=${name} value=${name}>${text}</option>`)}
    </select><${Icon} name="chevron" class="turned" /></span>
    <${Hint} id="${id}-hint" hint=${hint} problem=${problem} at=${at} /></div>`;
}

export function Check({ id, label, hint, checked, onPick, children }) {
  return html`<div class="field check"><label><input type="checkbox" checked=${checked} onChange=${(box) => onPick(box.target.checked)} data-testid=${id} /><span>${label}</span></label>
    ${hint && html`<span class="hint">${hint}</span>`}${checked && children}</div>`;
}
