//! Names that belong to the gateway. Anybody may read events with them; nobody else may push one, so that what the
//! gateway says of itself cannot be forged.

use crate::channel::Channel;
use crate::code::Code;
use crate::event::EventType;
use crate::invalid::Invalid;

/// The beginning of the gateway's own channels and types.
pub const PREFIX: &str = "fanfare.";

impl Channel {
    /// Parses the channel of a push.
    pub fn of_push(name: &str) -> Result<Channel, Invalid> {
        refuse_own("channel", name, Code::InvalidChannel)?;
        name.parse()
    }
}

impl EventType {
    /// Parses the type of a push.
    pub fn of_push(name: &str) -> Result<EventType, Invalid> {
        refuse_own("type", name, Code::InvalidType)?;
        name.parse()
    }
}

fn refuse_own(what: &str, name: &str, code: Code) -> Result<(), Invalid> {
    let Some(rest) = name.strip_prefix(PREFIX) else { return Ok(()) };
    let what = format!("the {what} `{PREFIX}{}` belongs to the gateway", crate::invalid::shown(rest));
    Err(Invalid::new(code, what, "use a name that does not begin with `fanfare.`"))
}

#[cfg(test)]
mod tests {
    use crate::channel::Channel;
    use crate::code::Code;
    use crate::event::EventType;

    #[test]
    fn only_what_begins_with_the_prefix_is_the_gateways() {
        for name in ["fanfare", "fanfares.a", "a.fanfare.b", "Fanfare.a"] {
            assert!(Channel::of_push(name).is_ok() && EventType::of_push(name).is_ok(), "{name}");
        }
        for name in ["fanfare.audit", "fanfare.a.b", "fanfare."] {
            assert_eq!(Channel::of_push(name).expect_err(name).code, Code::InvalidChannel);
            assert_eq!(EventType::of_push(name).expect_err(name).code, Code::InvalidType);
        }
        // Events with these names can be read and selected.
        assert!("fanfare.audit".parse::<Channel>().is_ok() && "fanfare.test".parse::<EventType>().is_ok());
    }
}
