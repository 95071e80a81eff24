//! `fanfare receive`: receives webhooks on this machine and prints them.

pub(crate) mod body;
mod faults;
pub(crate) mod judge;
mod registration;
pub(crate) mod server;
mod show;

use std::net::SocketAddr;
use std::time::Duration;

use fanfare_api::webhooks::registration::Wishes;
use fanfare_core::{Code, Invalid, duration};
use fanfare_webhook::retry::RetrySchedule;
use fanfare_webhook::secret::VerifyingKey;
use fanfare_webhook::url::WebhookUrl;

pub(crate) use crate::cli::receive::faults::{Fail, Faults};
use crate::cli::receive::judge::Keys;
use crate::cli::receive::registration::{Plan, Registration};
use crate::cli::receive::server::{Port, REQUEST_MAX, Receiver};
use crate::cli::receive::show::Show;
use crate::cli::secret::{Place, named_or_variable};
use crate::cli::settings::values;
use crate::cli::signals::Stop;
use crate::cli::webhooks::wants::Filter;
use crate::cli::{Context, Exit, Failure, block_on, examples};

/// Receive webhooks on this machine and print them
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("See what a webhook would get; unregisters on exit",
     "fanfare receive --register"),
    ("Fail the first attempt at each delivery and watch the retry",
     "fanfare receive --register --fail once --retry 1s"),
    ("Receive for a webhook that is already registered",
     "fanfare receive --port 3000 --secret hook.secret"),
    ("Return 503 to every third request, after two seconds",
     "fanfare receive --register --fail every:3 --status 503 --delay 2s"),
    ("Wait for one request and print it as JSON", "fanfare receive --register -c 'builds.>' --once -o json"),
], "Signatures are verified with the secret (v1, X-Hub-Signature-256) or the public key (v1a): with \
    --register, that of the registration; otherwise, read FROM a file, `-` for stdin, `env:NAME` or \
    FANFARE_WEBHOOK_SECRET. A request that does not verify gets a 401 and is shown with the reason. A \
    `webhook-id` seen before is marked `again`; a receiver that must not act twice should remember these \
    ids.\n\n\
    `--fail once` fails the first attempt at each delivery. -v shows headers and body.")
)]
pub(crate) struct Args {
    #[arg(short, long, help = format!(
        "Port on 127.0.0.1; 0 picks a free one [default: {PORT_DEFAULT}, or with --register a free one \
         if another webhook is registered there]"))]
    port: Option<u16>,
    /// Listen on this address instead
    #[arg(long, value_name = "ADDR", value_parser = values::address, conflicts_with = "port")]
    listen: Option<SocketAddr>,
    /// Register with the gateway and unregister on exit
    #[arg(long)]
    register: bool,
    /// URL to register, if the gateway reaches this machine at a different one
    #[arg(long, value_name = "URL", requires = "register")]
    url: Option<WebhookUrl>,
    #[arg(long, value_name = "TIMES", requires = "register", help = format!(
        "Delays before each retry of a failed delivery [default: {}]", RetrySchedule::default()))]
    retry: Option<RetrySchedule>,
    /// Verify with a secret (whsec_…), read FROM a file, `-` or env:NAME
    #[arg(long, value_name = "FROM")]
    secret: Option<Place>,
    /// Verify v1a signatures with this public key
    #[arg(long, value_name = "WHPK", conflicts_with = "register")]
    public_key: Option<VerifyingKey>,
    /// Fail requests on purpose: once, first:N, every:N, a share such as 30%, or
    /// all
    #[arg(long, value_name = "HOW")]
    fail: Option<Fail>,
    #[arg(
        long,
        value_name = "CODE",
        value_parser = clap::value_parser!(u16).range(200..=599),
        help = format!(
            "Status to return for failed requests; without --fail, for all requests [default: {}]",
            Faults::NONE.status
        )
    )]
    status: Option<u16>,
    #[arg(long, value_name = "TIME", value_parser = delay, help = format!(
        "Wait this long before responding, at most {}s", DELAY_MAX.as_secs()))]
    delay: Option<Duration>,
    /// Stop after accepting this many requests
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Stop after accepting one request
    #[arg(long, conflicts_with = "limit")]
    once: bool,
    #[command(flatten)]
    filter: Filter,
}

/// The port of a receiver unless it is told another.
const PORT_DEFAULT: u16 = 3000;

/// Maximum of `--delay`, well above the time that the gateway waits.
const DELAY_MAX: Duration = Duration::from_secs(60);

/// How long open responses may take when the receiver stops.
const GRACE: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    if !args.register && args.filter.wishes() != Wishes::default() {
        return Err(Failure::usage("filters work only with --register").fix("add --register"));
    }
    block_on(receive(args, context))
}

async fn receive(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let (mut receiver, registration) = tokio::select! {
        started = start(args, context) => started?,
        exit = stop.asked() => return Ok(exit),
    };
    let mut show = Show::new(context.output);
    let limit = if args.once { Some(1) } else { args.limit };
    let result = match show.start(receiver.address(), registration.as_ref()) {
        Ok(()) => show_requests(&mut receiver, &mut show, limit, &mut stop).await,
        Err(error) => Err(error.into()),
    };
    // No more deliveries arrive once the webhook is removed; open requests still get their responses.
    let ended = async {
        if let Some(registration) = registration {
            registration.end(context).await;
        }
        receiver.end(GRACE + args.delay.unwrap_or_default()).await;
    };
    tokio::select! {
        () = ended => {}
        _ = stop.asked() => {}
    }
    show.end();
    result
}

/// Starts the receiver and, with `--register`, registers it.
async fn start(args: &Args, context: &Context) -> Result<(Receiver, Option<Registration>), Failure> {
    let given = named_or_variable(args.secret.as_ref()).map(|place| place.webhook_secret()).transpose()?;
    let keys = Keys { secret: given.clone(), public: args.public_key };
    let listen = match args.listen.or(args.port.map(at)) {
        Some(chosen) => chosen,
        None => default_address(args, context).await?,
    };
    let cannot = |error: std::io::Error| {
        Failure::failed(format!("cannot listen on {listen}"))
            .why(super::failure::said(&error))
            .fix("choose another port with --port, or 0 for any free one")
    };
    let port = Port::take(listen).map_err(cannot)?;
    if !args.register {
        return Ok((port.listen(keys, args.faults()).map_err(cannot)?, None));
    }
    let plan = Plan::new(args, port.address, context)?;
    if let Some(rival) = plan.rival().await? {
        return Err(plan.refused(&rival));
    }
    // A webhook that an earlier run left behind gets its new secret before the receiver responds, which would refuse
    // deliveries signed with the old one.
    let earlier = plan.take_over(given.as_ref()).await?;
    let receiver = port.listen(keys, args.faults()).map_err(cannot)?;
    // A new webhook is registered only now, because its first delivery may follow at once.
    let (registration, secret) = match earlier {
        Some((registration, secret)) => {
            registration.resume().await?;
            (registration, secret)
        }
        None => plan.register(given.as_ref()).await?,
    };
    receiver.verify_with(Keys { secret: Some(secret), public: None });
    Ok((receiver, Some(registration)))
}

/// Returns the address to listen on if nobody has chosen one. It is not one that another webhook sends to.
async fn default_address(args: &Args, context: &Context) -> Result<SocketAddr, Failure> {
    let address = at(PORT_DEFAULT);
    if !args.register || args.url.is_some() {
        return Ok(address);
    }
    let Some(rival) = Plan::new(args, address, context)?.rival().await? else { return Ok(address) };
    context.output.warn(&format!("port {PORT_DEFAULT} is the one of {rival}; using another port"));
    Ok(at(0))
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Prints requests until `limit` of them are accepted or a signal arrives.
async fn show_requests(
    receiver: &mut Receiver,
    show: &mut Show,
    limit: Option<u64>,
    stop: &mut Stop,
) -> Result<Exit, Failure> {
    let mut left = limit;
    while left != Some(0) {
        let got = tokio::select! {
            got = receiver.next() => got,
            exit = stop.asked() => return Ok(exit),
        };
        show.request(&got)?;
        if (200..300).contains(&got.status) {
            left = left.map(|left| left - 1);
        }
    }
    Ok(Exit::Ok)
}

impl Args {
    fn faults(&self) -> Faults {
        let fail = match (self.fail, self.status) {
            (Some(fail), _) => fail,
            (None, Some(_)) => Fail::All,
            (None, None) => Fail::Never,
        };
        let status = self.status.unwrap_or(Faults::NONE.status);
        Faults { fail, status, delay: self.delay.unwrap_or_default() }
    }
}

fn delay(text: &str) -> Result<Duration, Invalid> {
    let delay = duration::parse(text)?;
    if delay <= DELAY_MAX {
        return Ok(delay);
    }
    let what = format!("a delay of `{text}` is too long");
    let fix = format!("use at most {} s; the gateway waits {} s", DELAY_MAX.as_secs(), REQUEST_MAX.as_secs());
    Err(Invalid::new(Code::InvalidDuration, what, fix))
}
