// A request to the gateway: whether it is in progress, and why it was refused.
import { html, useState } from "../../vendor/preact.js";
import { capital } from "../format.js";
import { askAgain } from "../poll.js";
import { Icon } from "./icon.js";

export function useAction() {
  const [state, setState] = useState({ busy: false, problem: null });
  const run = async (work) => {
    setState({ busy: true, problem: null });
    try {
      const done = await work();
      setState({ busy: false, problem: null });
      askAgain();
      return done;
    } catch (problem) {
      setState({ busy: false, problem });
      return undefined;
    }
  };
  return { ...state, run };
}

export function ProblemNote({ problem, testid = "problem" }) {
  if (!problem) return null;
  return html`<p class="problem" role="alert" data-testid=${testid}><${Icon} name="error" /><span>${capital(problem.message)}
    ${problem.fix && html`<span class="fix">${capital(problem.fix)}</span>`}</span></p>`;
}
