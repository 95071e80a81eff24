// The current location. Screen, filter and open event are in the URL, so that every view can be linked to.
import { computed, signal } from "../vendor/preact.js";
import { at, within } from "./base.js";

const screens = ["/", "/webhooks", "/sources", "/clients", "/channels", "/readers", "/mcp_sse_example.html", "/reference"];

const below = ["/webhooks/", "/channels/"];

// Whether this page can show the path: a screen, or a page below one.
export function isScreen(pathname) {
  return screens.includes(pathname.replace(/(.)\/$/, "$1")) || below.some((start) => pathname.startsWith(start));
}

const here = signal(read());

export const path = computed(() => here.value.path);
export const query = computed(() => here.value.query);
export const hash = computed(() => here.value.hash);

function read() {
  const { pathname, search, hash } = window.location;
  return { path: within(pathname), query: search, hash };
}

// The URL of a screen with these parameters; the order is stable so that equal views have equal URLs.
export function urlOf(pathname, params) {
  const text = params.toString();
  return text ? `${pathname}?${text}` : pathname;
}

export function navigate(url, { replace = false } = {}) {
  const target = new URL(at(url), window.location.href);
  const same = target.href === window.location.href;
  if (!same) window.history[replace ? "replaceState" : "pushState"](null, "", target.href);
  here.value = read();
}

// Changes some parameters of the current view and keeps the others.
export function setParams(changes, options) {
  const params = new URLSearchParams(here.value.query);
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    for (const item of [value].flat()) if (item !== null && item !== "") params.append(name, item);
  }
  navigate(urlOf(here.value.path, params), options);
}

export function listenToLinks() {
  window.addEventListener("popstate", () => {
    here.value = read();
  });
  document.addEventListener("click", (click) => {
    if (click.defaultPrevented || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
    const link = click.target.closest?.("a[href]");
    if (!link || link.target || link.origin !== window.location.origin || !isScreen(within(link.pathname))) return;
    // The browser handles anchors on the current page.
    if (link.hash && link.pathname === window.location.pathname && link.search === window.location.search) return;
    click.preventDefault();
    navigate(link.href);
  });
}
