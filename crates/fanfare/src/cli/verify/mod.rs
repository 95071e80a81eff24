//! `fanfare verify`: verifies the signature of a saved webhook request, and says what is wrong if it does not match.

pub(crate) mod diagnosis;
mod request;

use std::path::PathBuf;

use fanfare_core::Timestamp;
use fanfare_webhook::inbound::{PlainSecret, verify_hub, verify_stripe};
use fanfare_webhook::secret::{Secret, VerifyingKey};
use fanfare_webhook::signature::HUB_SIGNATURE;
use fanfare_webhook::verify::{Headers, Key, Mismatch, verify};
use jiff::ZonedDateTime;
use serde_json::json;

use crate::cli::event_line::time;
use crate::cli::output::style::{DIM, SUCCESS};
use crate::cli::secret::{Place, named_or_variable};
use crate::cli::text::{count, duration, harmless};
use crate::cli::verify::request::Request;
use crate::cli::{Context, Exit, Failure, examples};

/// Verify the signature of a saved webhook request
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("A body, with the headers as flags",
     "fanfare verify body.json --secret hook.secret -H 'webhook-id: …' \\\n    \
      -H 'webhook-timestamp: …' -H 'webhook-signature: v1,…'"),
    ("Headers in a file, the body on stdin", "fanfare verify --headers head.txt --secret hook.secret < body.json"),
    ("A whole request: headers, blank line, body", "fanfare verify --http request.txt --secret env:HOOK_SECRET"),
    ("With the public key", "fanfare verify --http request.txt --public-key whpk_…"),
    ("An old request: check only the signature",
     "fanfare verify --http request.txt --secret hook.secret --any-age"),
], "Checks webhook-signature (Standard Webhooks: v1, v1a), X-Hub-Signature-256 and Stripe-Signature; every \
    one that is present must match. The body is used byte for byte. Without --secret, \
    FANFARE_WEBHOOK_SECRET is used.\n\
    Exit code 0: verified. 1: not verified, with the reason. 2: the request cannot be read."))]
pub(crate) struct Args {
    /// File with the body; `-` reads stdin
    #[arg(value_name = "FILE", default_value = "-")]
    body: PathBuf,
    /// Header as received; repeatable
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// File with headers, as `curl -i` writes them
    #[arg(long, value_name = "FILE")]
    headers: Option<PathBuf>,
    /// FILE holds the whole request: headers, blank line, body
    #[arg(long, conflicts_with = "headers")]
    http: bool,
    /// Secret to verify with, read FROM a file, `-` or env:NAME
    #[arg(long, value_name = "FROM")]
    secret: Option<Place>,
    /// Public key for v1a signatures
    #[arg(long, value_name = "WHPK")]
    public_key: Option<VerifyingKey>,
    /// Verify as if received at this time (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", conflicts_with = "any_age")]
    at: Option<Timestamp>,
    /// Accept a request of any age
    #[arg(long)]
    any_age: bool,
}

/// The keys to verify with.
#[derive(Debug)]
struct Keys {
    /// The text of the secret, which is the key of GitHub and Stripe.
    secret: Option<String>,
    /// The keys of Standard Webhooks.
    standard: Vec<Key>,
}

/// A request that verifies.
#[derive(Debug, Default)]
struct Verified {
    /// The headers whose signatures match.
    schemes: Vec<&'static str>,
    id: Option<String>,
    signed: Option<Timestamp>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let place = named_or_variable(args.secret.as_ref());
    if place == Some(Place::Stdin) && args.body.as_os_str() == "-" {
        return Err(Failure::usage("the secret and the body cannot both come from stdin")
            .fix("put one of them in a file"));
    }
    let keys = Keys::new(place.as_ref(), args.public_key)?;
    let request = Request::read(args)?;
    let now: Timestamp = args.at.unwrap_or_else(|| jiff::Timestamp::now().into());
    // Verifying at the time of the signature skips only the check of the age.
    let now = if args.any_age { request.signed().unwrap_or(now) } else { now };
    let verified = verified(&request, &keys, now)
        .map_err(|(header, mismatch)| diagnosis::failure(&request, &keys, header, mismatch))?;
    let json = json!({
        "ok": true,
        "schemes": verified.schemes,
        "id": verified.id,
        "signed": verified.signed,
        "body_bytes": request.body.len(),
    });
    context.output.result(|| said(&verified, &request), &json.to_string(), || "ok".to_owned())?;
    Ok(Exit::Ok)
}

/// Verifies every signature of a request that arrived at `now`. An error has the header that does not match.
fn verified(request: &Request, keys: &Keys, now: Timestamp) -> Result<Verified, (&'static str, Mismatch)> {
    let headers: Headers<'_> = request.pairs().collect();
    let plain: Vec<PlainSecret> = keys.secret.as_deref().and_then(PlainSecret::new).into_iter().collect();
    let mut result = Verified::default();
    let (is_hub, is_stripe) = (request.has(HUB_SIGNATURE), request.has("stripe-signature"));
    // A request without signatures is verified as a Standard Webhook, so that the error names the missing headers.
    if request.is_standard() || !(is_hub || is_stripe) {
        let found = verify(&headers, &request.body, &keys.standard, now);
        let verified = found.map_err(|mismatch| ("webhook-signature", mismatch))?;
        result.schemes.push("webhook-signature");
        result.id = Some(verified.id.to_owned());
        result.signed = Some(verified.signed);
    }
    if is_hub {
        verify_hub(&headers, &request.body, &plain).map_err(|mismatch| (HUB_SIGNATURE, mismatch))?;
        result.schemes.push(HUB_SIGNATURE);
    }
    if is_stripe {
        let signed = verify_stripe(&headers, &request.body, &plain, now);
        result.signed = Some(signed.map_err(|mismatch| ("stripe-signature", mismatch))?);
        result.schemes.push("stripe-signature");
    }
    Ok(result)
}

impl Keys {
    fn new(place: Option<&Place>, public: Option<VerifyingKey>) -> Result<Keys, Failure> {
        let secret = place.map(Place::text).transpose()?;
        if secret.is_none() && public.is_none() {
            return Err(Failure::usage("no secret or public key was given")
                .fix("pass --secret FILE, --secret env:NAME or --public-key whpk_…"));
        }
        let mut standard: Vec<Key> = public.map(Key::Public).into_iter().collect();
        // A secret of GitHub or Stripe can be any text, which then is not a key of Standard Webhooks.
        if let Some(secret) = secret.as_deref().and_then(|text| text.parse::<Secret>().ok()) {
            standard.push(Key::Secret(secret));
        }
        Ok(Keys { secret, standard })
    }
}

fn said(verified: &Verified, request: &Request) -> String {
    let now = ZonedDateTime::now();
    let mut text = format!("{SUCCESS}✓{SUCCESS:#} verified: {}", verified.schemes.join(", "));
    if let Some(id) = &verified.id {
        text.push_str(&format!("\n  {DIM}id{DIM:#}      {}", harmless(id)));
    }
    if let Some(signed) = verified.signed {
        let micros = now.timestamp().as_microsecond() - signed.as_micros();
        let age = match u64::try_from(micros) {
            Ok(micros) => format!("{} ago", duration(std::time::Duration::from_micros(micros))),
            Err(_) => "in the future".to_owned(),
        };
        text.push_str(&format!("\n  {DIM}signed{DIM:#}  {} {DIM}· {age}{DIM:#}", time(signed, &now)));
    }
    let bytes = count(request.body.len() as u64, "byte");
    text.push_str(&format!("\n  {DIM}body{DIM:#}    {bytes}"));
    text
}
