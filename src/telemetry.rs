//! Logs: text for people, JSON lines for machines, both on standard error; a panic is logged like everything else.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal},
    panic::{self, PanicHookInfo},
};

use anyhow::{Context, anyhow};
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, LogSettings, Role};

/// Opens the log of a process; once only.
pub(crate) fn init(settings: &LogSettings, role: Role) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(quieted(&settings.filter)).context("RUST_LOG cannot be read")?;
    let is_terminal = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(is_terminal);
    let opened = match resolved(settings.format, role, is_terminal) {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Auto | LogFormat::Text => builder.compact().try_init(),
    };
    opened.map_err(|error| anyhow!("the log cannot be opened: {error}"))?;
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// The default without the libraries that tell of each of their steps, and warn of what is no fault (a vote that came
/// late). Whoever names anything else gets what was named.
fn quieted(filter: &str) -> &str {
    if filter == "info" { "info,openraft=off,sled=warn" } else { filter }
}

/// `auto`: text on a terminal and for `dev`, which a person watches; JSON for what collects logs.
fn resolved(format: LogFormat, role: Role, is_terminal: bool) -> LogFormat {
    match format {
        LogFormat::Auto if is_terminal || role == Role::Dev => LogFormat::Text,
        LogFormat::Auto => LogFormat::Json,
        given => given,
    }
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload();
    let message = message.downcast_ref::<&str>().copied().or(message.downcast_ref::<String>().map(String::as_str));
    let message = message.unwrap_or("no message");
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    // Captured only when RUST_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(thread, place, %backtrace, "a thread panicked: {message}");
    } else {
        tracing::error!(thread, place, "a thread panicked: {message}; RUST_BACKTRACE=1 shows where from");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_default_is_quieted() {
        assert!(EnvFilter::builder().parse(quieted("info")).is_ok());
        assert_eq!(quieted("debug"), "debug");
    }

    #[test]
    fn the_format_follows_who_reads() {
        assert_eq!(resolved(LogFormat::Auto, Role::Node, true), LogFormat::Text);
        assert_eq!(resolved(LogFormat::Auto, Role::Node, false), LogFormat::Json);
        assert_eq!(resolved(LogFormat::Auto, Role::Dev, false), LogFormat::Text);
        assert_eq!(resolved(LogFormat::Json, Role::Dev, true), LogFormat::Json);
    }
}
