//! `fanfare receive`: a webhook's receiver on this machine, that shows what comes.

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
use crate::cli::receive::registration::Wanted;
use crate::cli::receive::server::Port;
use crate::cli::receive::show::Show;
use crate::cli::secret::{Place, named_or_variable};
use crate::cli::settings::key;
use crate::cli::signals::Stop;
use crate::cli::webhooks::wants::Filter;
use crate::cli::{Context, Exit, Failure, block_on, examples};

/// Receive webhooks on this machine, and show what comes
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("What would a webhook get? Registers itself, and forgets itself at the end",
     "fanfare receive --register"),
    ("Fail the first attempt at each, and see it come again", "fanfare receive --register --fail once --retry 1s"),
    ("Beside a webhook that is registered already",
     "fanfare receive --port 3000 --secret hook.secret"),
    ("One in three answers is 503, after two seconds",
     "fanfare receive --register --fail every:3 --status 503 --delay 2s"),
    ("Wait for one, as JSON", "fanfare receive --register -c 'builds.>' --once -o json"),
], "\
Signatures are verified with the secret (v1, X-Hub-Signature-256) or the public
key (v1a): with --register that of the registration, otherwise FROM a file, `-`
for stdin, `env:NAME`, or FANFARE_WEBHOOK_SECRET. What does not fit is answered
with 401, and shown with the reason. A `webhook-id` that was seen before is
marked `again`: a receiver that must not act twice remembers these ids.

HOW is `once` (the first attempt at each delivery), `first:N`, `every:N`, a
share such as `30%`, or `all`. -v shows headers and body.")
)]
pub(crate) struct Args {
    /// The port, on 127.0.0.1; 0 is any that is free
    #[arg(short, long, default_value_t = 3000)]
    port: u16,
    /// Another address to listen at
    #[arg(long, value_name = "ADDR", value_parser = key::address, conflicts_with = "port")]
    listen: Option<SocketAddr>,
    /// Register at the gateway, and unregister at the end
    #[arg(long)]
    register: bool,
    /// The address to register, when the gateway reaches this machine by
    /// another one
    #[arg(long, value_name = "URL", requires = "register")]
    url: Option<WebhookUrl>,
    /// The pauses before what failed comes again [default:
    /// 5s,5m,30m,2h,5h,10h,10h]
    #[arg(long, value_name = "TIMES", requires = "register")]
    retry: Option<RetrySchedule>,
    /// Verify with a secret (whsec_…) FROM there
    #[arg(long, value_name = "FROM")]
    secret: Option<Place>,
    /// Verify v1a with this public key
    #[arg(long, value_name = "WHPK", conflicts_with = "register")]
    public_key: Option<VerifyingKey>,
    /// Fail on purpose
    #[arg(long, value_name = "HOW")]
    fail: Option<Fail>,
    /// Answer what fails with this status; without --fail, everything
    /// [default: 500]
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(200..=599))]
    status: Option<u16>,
    /// Answer only after this time, at most 60s
    #[arg(long, value_name = "TIME", value_parser = delay)]
    delay: Option<Duration>,
    /// Stop after so many requests that were taken
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Stop after one request that was taken
    #[arg(long, conflicts_with = "limit")]
    once: bool,
    #[command(flatten)]
    filter: Filter,
}

/// How long open answers may take when it ends.
const GRACE: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    if !args.register && args.filter.wishes() != Wishes::default() {
        return Err(Failure::usage("a filter is for the registration").fix("add --register"));
    }
    block_on(receive(args, context))
}

async fn receive(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let secret = named_or_variable(args.secret.as_ref()).map(|place| place.value()).transpose()?;
    let keys = Keys { secret, public: args.public_key };
    let listen = args.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], args.port)));
    let cannot = |error: std::io::Error| {
        Failure::failed(format!("cannot listen at {listen}"))
            .why(super::failure::said(&error))
            .fix("choose another port with --port, or 0 for any that is free")
    };
    let port = Port::take(listen).map_err(cannot)?;
    let wanted = match args.register {
        true => Some(Wanted::new(args, port.address, context)?),
        false => None,
    };
    // What an earlier run left behind gets another secret before anybody answers: what was signed with the one
    // before would be refused.
    let mut registration = None;
    if let Some(wanted) = &wanted {
        tokio::select! {
            again = wanted.again(keys.secret.as_ref()) => registration = again?,
            exit = stop.asked() => return Ok(exit),
        }
    }
    let mut receiver = port.listen(keys.clone(), args.faults()).map_err(cannot)?;
    // A new one is registered when there is somebody to answer; one that waits is tried at once.
    tokio::select! {
        begun = async {
            match (&wanted, &registration) {
                (Some(wanted), None) => registration = Some(wanted.anew(keys.secret.as_ref()).await?),
                (_, Some((registration, _))) => registration.resume().await?,
                (None, None) => {}
            }
            Ok::<_, Failure>(())
        } => begun?,
        exit = stop.asked() => return Ok(exit),
    }
    let registration = registration.map(|(registration, secret)| {
        receiver.verify_with(Keys { secret: Some(secret), public: None });
        registration
    });
    let mut show = Show::new(context.output);
    show.start(receiver.address(), registration.as_ref())?;
    let mut left = if args.once { Some(1) } else { args.limit };
    let result = loop {
        if left == Some(0) {
            break Ok(Exit::Ok);
        }
        tokio::select! {
            got = receiver.next() => {
                if let Err(error) = show.request(&got) {
                    break Err(Failure::from(error));
                }
                if (200..300).contains(&got.status) {
                    left = left.map(|left| left - 1);
                }
            }
            exit = stop.asked() => break Ok(exit),
        }
    };
    // Nothing more comes once it is forgotten; what is being answered gets its answer.
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

impl Args {
    fn faults(&self) -> Faults {
        let fail = match (self.fail, self.status) {
            (Some(fail), _) => fail,
            (None, Some(_)) => Fail::All,
            (None, None) => Fail::Never,
        };
        Faults { fail, status: self.status.unwrap_or(500), delay: self.delay.unwrap_or_default() }
    }
}

fn delay(text: &str) -> Result<Duration, Invalid> {
    const DELAY_MAX: Duration = Duration::from_secs(60);
    let delay = duration::parse(text)?;
    if delay <= DELAY_MAX {
        return Ok(delay);
    }
    let what = format!("`{text}` is too long for an answer");
    Err(Invalid::new(Code::InvalidTime, what, "use at most `60s`; the gateway waits 10 s"))
}
