// The filter: text, channels and types; and the pause button.
import { createRef, html, useState } from "../../vendor/preact.js";
import { addChannel, clearFilter, filter, isFiltered, removeChannel, setText, toggleType } from "../feed/filter.js";
import { pause, paused } from "../feed/feed.js";
import { goLive } from "../feed/past.js";
import { Combobox } from "../ui/combobox.js";
import { Icon, TypeIcon } from "../ui/icon.js";
import { knownChannels } from "./known.js";

const field = createRef();

export function focusFilter() {
  field.current?.focus();
  field.current?.select();
}

const types = ["info", "success", "warning", "error"];

export function FilterBar() {
  const { q, channels, types: chosen } = filter.value;
  const others = chosen.filter((type) => !types.includes(type));
  return html`<div class="filter" role="search" aria-label="Filter the feed">
    <label class="search">
      <${Icon} name="search" />
      <input type="search" ref=${field} value=${q} placeholder="Search" aria-label="Search in message, data, channel and key" autocomplete="off" spellcheck="false"
        onInput=${(input) => setText(input.target.value)} data-testid="filter-text" />
      <kbd aria-hidden="true">/</kbd>
    </label>
    <div class="facets">
      <${ChannelField} />
      ${channels.map(
        (channel) => html`<button key=${channel} type="button" class="chip on" onClick=${() => removeChannel(channel)}
          aria-label="Remove filter ${channel}" data-testid="channel-chip">${channel}<${Icon} name="close" /></button>`,
      )}
      <span class="facet-group" role="group" aria-label="Types">
        ${[...types, ...others].map(
          (type) => html`<button key=${type} type="button" class="chip ${chosen.includes(type) ? "on" : ""}" aria-pressed=${chosen.includes(type)}
            onClick=${() => toggleType(type)} data-testid="type-${type}"><${TypeIcon} type=${type} /><span aria-hidden="true">${type}</span></button>`,
        )}
      </span>
      ${isFiltered.value && html`<button type="button" class="link-button" onClick=${clearFilter} data-testid="filter-clear">Clear</button>`}
    </div>
    <${PauseButton} />
  </div>`;
}

function ChannelField() {
  const [text, setText] = useState("");
  return html`<${Combobox}
    value=${text} onInput=${setText} label="Filter by channel or pattern" placeholder="Channel" testid="filter-channel" inputClass="chip-input"
    options=${knownChannels.value}
    onPick=${(pattern) => {
      addChannel(pattern);
      setText("");
    }}
  />`;
}

function PauseButton() {
  const stopped = paused.value;
  return html`<button type="button" class="button pause ${stopped ? "primary" : ""}" onClick=${stopped ? goLive : pause} data-testid="pause"
    aria-pressed=${stopped} title="${stopped ? "Resume" : "Pause"} (Space)">
    <${Icon} name=${stopped ? "play" : "pause"} /><span>${stopped ? "Resume" : "Pause"}</span>
  </button>`;
}
