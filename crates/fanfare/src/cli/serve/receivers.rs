//! Where the webhooks of this gateway may be sent: the mode, and the addresses of this machine.

use std::net::IpAddr;

use fanfare_core::{Endpoint, Invalid};
use fanfare_webhook::policy::{Mode, Policy};
use fanfare_webhook::proxy::ProxyUrl;

use crate::cli::settings::values::{number, webhook_mode};
use crate::cli::settings::{Key, Settings};
use crate::cli::{Failure, failure};
use fanfare_delivery::service as webhook;
use fanfare_server::net::origin::{Cors, Origin, is_loopback_host};

/// Returns the configuration of webhooks. By default, a gateway that only this machine can reach may send webhooks to
/// this machine and its networks. A host name or the origin of a page that is not local says that others can reach it
/// too, through a proxy or a browser.
pub(super) fn config(
    settings: &Settings,
    listen: &[Endpoint],
    cors: &Cors,
    allowed_hosts: &[String],
) -> Result<webhook::Config, Failure> {
    let by_default = match is_reachable(listen, cors, allowed_hosts) {
        true => Mode::Locked,
        false => Mode::Local,
    };
    let allow =
        settings.texts(Key::AllowTarget).iter().map(|text| text.parse()).collect::<Result<_, Invalid>>()?;
    let mode = settings.parsed(Key::WebhookMode, webhook_mode)?.unwrap_or(by_default);
    let proxy = settings.parsed(Key::WebhookProxy, |text| text.parse::<ProxyUrl>())?;
    let policy = Policy { mode, allow, proxy, ..Policy::default() };
    check_proxy(&policy)?;
    let policy = Policy { interfaces: interfaces(mode)?, ..policy };
    let default = webhook::Config::default();
    let host_webhooks_max = settings
        .parsed(Key::MaxWebhooksPerHost, number)?
        .map_or(default.host_webhooks_max, |number| usize::try_from(number).unwrap_or(usize::MAX));
    Ok(webhook::Config { policy, host_webhooks_max, ..default })
}

/// Refuses a proxy that the operator of a locked gateway has not allowed as a target.
fn check_proxy(policy: &Policy) -> Result<(), Failure> {
    let Some(proxy) = policy.proxy.as_ref().filter(|_| !policy.trusts_proxy()) else { return Ok(()) };
    let host = proxy.host();
    Err(Failure::usage("webhooks are locked, and a proxy can lead them to addresses that the rules refuse")
        .at("--webhook-proxy")
        .fix(format!("if the proxy refuses private addresses itself, add --allow-target {host}")))
}

/// Returns whether others than this machine can reach the gateway.
fn is_reachable(listen: &[Endpoint], cors: &Cors, allowed_hosts: &[String]) -> bool {
    let is_foreign = |origin: &Origin| !origin.is_loopback();
    let has_foreign_page = match cors {
        Cors::Any => true,
        Cors::Origins(origins) => origins.iter().any(is_foreign),
    };
    has_foreign_page
        || allowed_hosts.iter().any(|host| !is_loopback_host(host))
        || !listen.iter().all(Endpoint::is_local)
}

/// Returns the name of a mode, as in the settings.
pub(super) fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Local => "local",
        Mode::Locked => "locked",
    }
}

/// Returns what the mode means, for those who start the gateway.
pub(crate) fn said(mode: Mode) -> &'static str {
    match mode {
        Mode::Local => "webhooks are local: they can go to this machine and its networks, too",
        Mode::Locked => {
            "webhooks are locked: they go to public https addresses, and to what --allow-target names"
        }
    }
}

/// Returns the addresses of this machine, if the system lets the process list them. In a sandbox that hides
/// them, one of them could pass for a public address. In local mode, the gateway starts without them: callers
/// on this machine may send to it anyway, and other callers then cannot send anywhere.
fn interfaces(mode: Mode) -> Result<Option<Vec<IpAddr>>, Failure> {
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => Ok(Some(interfaces.iter().map(if_addrs::Interface::ip).collect())),
        Err(error) if mode == Mode::Local => {
            tracing::warn!(
                %error,
                "cannot list the addresses of this machine; callers elsewhere cannot register webhooks, unless \
                 --allow-target names the target"
            );
            Ok(None)
        }
        Err(error) => Err(Failure::failed(
            "cannot list the addresses of this machine, which webhooks must not call",
        )
        .why(failure::said(&error))
        .fix(
            "let the process use netlink; in a systemd unit, add `AF_NETLINK` to `RestrictAddressFamilies`",
        )),
    }
}
