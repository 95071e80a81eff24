// The path under which a proxy serves the gateway; empty at the root. The scripts have it in their own address.
import { options } from "../vendor/preact.js";

export const base = new URL(import.meta.url).pathname.replace(/^(.*)\/assets\/.*$/, "$1");

// The gateway's own address, for commands and links that are copied.
export const home = window.location.origin + base;

// The address of a path of the gateway.
export function at(path) {
  return path.startsWith("/") && !path.startsWith("//") ? base + path : path;
}

// The path in the gateway of an address of this page.
export function within(pathname) {
  return pathname === base || pathname.startsWith(`${base}/`) ? pathname.slice(base.length) || "/" : pathname;
}

// Components link to paths of the gateway, wherever it is served.
if (base) {
  const before = options.vnode;
  options.vnode = (vnode) => {
    if (typeof vnode.type === "string" && typeof vnode.props.href === "string") vnode.props.href = at(vnode.props.href);
    before?.(vnode);
  };
}
