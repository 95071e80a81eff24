//! `fanfare verify`: is a request that was kept really from its sender, and if not, what is wrong with it?

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

/// Verify the signature of a webhook's request that was kept
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("A body, and the headers by hand",
     "fanfare verify body.json --secret hook.secret -H 'webhook-id: …' \\\n    \
      -H 'webhook-timestamp: …' -H 'webhook-signature: v1,…'"),
    ("Headers in a file, the body on stdin", "fanfare verify --headers head.txt --secret hook.secret < body.json"),
    ("A whole request: head, empty line, body", "fanfare verify --http request.txt --secret env:HOOK_SECRET"),
    ("With the public key", "fanfare verify --http request.txt --public-key whpk_…"),
    ("Yesterday's: is at least the signature right?",
     "fanfare verify --http request.txt --secret hook.secret --any-age"),
], "\
Verified are webhook-signature (Standard Webhooks: v1, v1a), X-Hub-Signature-256
and Stripe-Signature; of those that are there, every one has to fit. The body is
taken byte for byte. Without --secret, FANFARE_WEBHOOK_SECRET is used.
Exit code 0: verified. 1: not, with what is wrong. 2: it cannot be read."))]
pub(crate) struct Args {
    /// The body; `-` is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    body: PathBuf,
    /// A header as it came; repeatable
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// A file with headers, as `curl -i` writes them
    #[arg(long, value_name = "FILE")]
    headers: Option<PathBuf>,
    /// FILE is a whole request: head, empty line, body
    #[arg(long, conflicts_with = "headers")]
    http: bool,
    /// The secret, FROM a file, `-` for stdin or env:NAME
    #[arg(long, value_name = "FROM")]
    secret: Option<Place>,
    /// The public key of v1a
    #[arg(long, value_name = "WHPK")]
    public_key: Option<VerifyingKey>,
    /// As if it had come at this time (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", conflicts_with = "any_age")]
    at: Option<Timestamp>,
    /// However old it is
    #[arg(long)]
    any_age: bool,
}

/// What is verified with.
#[derive(Debug)]
struct Keys {
    /// The text, which GitHub and Stripe use as it is.
    secret: Option<String>,
    /// What Standard Webhooks can use.
    standard: Vec<Key>,
}

/// What was believed.
#[derive(Debug, Default)]
struct Believed {
    /// Which headers fit.
    schemes: Vec<&'static str>,
    id: Option<String>,
    signed: Option<Timestamp>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let place = named_or_variable(args.secret.as_ref());
    if place == Some(Place::Stdin) && args.body.as_os_str() == "-" {
        return Err(Failure::usage("both the secret and the body would come from stdin")
            .fix("put one of them into a file"));
    }
    let keys = Keys::new(place.as_ref(), args.public_key)?;
    let request = Request::read(args)?;
    let now: Timestamp = args.at.unwrap_or_else(|| jiff::Timestamp::now().into());
    // Verifying as if it came when it was signed leaves out nothing but the age.
    let now = if args.any_age { request.signed().unwrap_or(now) } else { now };
    let believed = believed(&request, &keys, now)
        .map_err(|(header, mismatch)| diagnosis::failure(&request, &keys, header, mismatch))?;
    let json = json!({
        "ok": true,
        "schemes": believed.schemes,
        "id": believed.id,
        "signed": believed.signed,
        "body_bytes": request.body.len(),
    });
    context.output.result(|| said(&believed, &request), &json.to_string(), || "ok".to_owned())?;
    Ok(Exit::Ok)
}

/// Verifies every signature that is there, at `now`; an error has the header that does not fit.
fn believed(request: &Request, keys: &Keys, now: Timestamp) -> Result<Believed, (&'static str, Mismatch)> {
    let headers: Headers<'_> = request.pairs().collect();
    let plain: Vec<PlainSecret> = keys.secret.as_deref().and_then(PlainSecret::new).into_iter().collect();
    let mut believed = Believed::default();
    let (is_hub, is_stripe) = (request.has(HUB_SIGNATURE), request.has("stripe-signature"));
    // Nothing at all is judged as a Standard Webhook: that says which headers should be there.
    if request.is_standard() || !(is_hub || is_stripe) {
        let found = verify(&headers, &request.body, &keys.standard, now);
        let verified = found.map_err(|mismatch| ("webhook-signature", mismatch))?;
        believed.schemes.push("webhook-signature");
        believed.id = Some(verified.id.to_owned());
        believed.signed = Some(verified.signed);
    }
    if is_hub {
        verify_hub(&headers, &request.body, &plain).map_err(|mismatch| (HUB_SIGNATURE, mismatch))?;
        believed.schemes.push(HUB_SIGNATURE);
    }
    if is_stripe {
        let signed = verify_stripe(&headers, &request.body, &plain, now);
        believed.signed = Some(signed.map_err(|mismatch| ("stripe-signature", mismatch))?);
        believed.schemes.push("stripe-signature");
    }
    Ok(believed)
}

impl Keys {
    fn new(place: Option<&Place>, public: Option<VerifyingKey>) -> Result<Keys, Failure> {
        let secret = place.map(Place::text).transpose()?;
        if secret.is_none() && public.is_none() {
            return Err(Failure::usage("there is nothing to verify with")
                .fix("--secret FILE, --secret env:NAME, or --public-key whpk_…"));
        }
        let mut standard: Vec<Key> = public.map(Key::Public).into_iter().collect();
        // Another sender's secret may be any text: then only its own kind of signature can be verified.
        if let Some(secret) = secret.as_deref().and_then(|text| text.parse::<Secret>().ok()) {
            standard.push(Key::Secret(secret));
        }
        Ok(Keys { secret, standard })
    }
}

fn said(believed: &Believed, request: &Request) -> String {
    let now = ZonedDateTime::now();
    let mut text = format!("{SUCCESS}✓{SUCCESS:#} verified: {}", believed.schemes.join(", "));
    if let Some(id) = &believed.id {
        text.push_str(&format!("\n  {DIM}id{DIM:#}      {}", harmless(id)));
    }
    if let Some(signed) = believed.signed {
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
