//! Which log lines are written, from the start and while the gateway runs.

use crate::log_lines::CountLines;
use crate::settings::{LogFormat, LogSettings};
use parking_lot::Mutex;
use std::fmt;
use std::str::FromStr;
use tidegate_broker::config::closest_name;
use tidegate_server::observe::{LogControl, TARGETS};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// What our targets begin with.
const OURS: &str = "tidegate";

/// A level for all lines and others for some targets: `info,tidegate::fetch=debug`.
#[derive(Clone, Debug)]
pub struct LogFilter {
    text: String,
    targets: Targets,
}

impl LogFilter {
    /// This filter with the parts of another one above its own.
    pub fn with(&self, more: &LogFilter) -> LogFilter {
        let text = format!("{},{}", self.text, more.text);
        text.parse().expect("parts of filters make a filter")
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        "info".parse().expect("info is a level")
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let Some(_) = parts.iter().find(|part| !part.is_empty()) else {
            return Err("is empty".to_owned());
        };
        for part in &parts {
            check(part)?;
        }
        let text = parts.join(",");
        let targets = text.parse::<Targets>().map_err(|error| error.to_string())?;
        Ok(LogFilter { text, targets })
    }
}

/// One part of a filter. A slip of the pen would silently write nothing.
fn check(part: &str) -> Result<(), String> {
    let is_level = |text: &str| LEVELS.iter().any(|level| text.eq_ignore_ascii_case(level));
    let Some((target, level)) = part.split_once('=') else {
        return match is_level(part) {
            true => Ok(()),
            false => Err(format!("{part:?} is not a level")),
        };
    };
    if !is_level(level) {
        return Err(format!("{level:?} is not a level"));
    }
    let is_known = |target: &str| TARGETS.iter().any(|known| known.name == target);
    if !target.starts_with(OURS) || target == OURS || is_known(target) {
        return Ok(());
    }
    let hint = match closest_name(target, TARGETS.iter().map(|known| known.name)) {
        Some(near) => format!("did you mean {near}?"),
        None => {
            let names: Vec<&str> = TARGETS.iter().map(|known| known.name).collect();
            format!("there are {}", names.join(", "))
        }
    };
    Err(format!("{target:?} is not a target, {hint}"))
}

/// Begins to log to standard error, so that standard output stays the greeting's. The handle
/// changes the filter later on.
pub fn start(log: &LogSettings) -> Box<dyn LogControl> {
    let (filter, handle) = reload::Layer::new(log.filter.targets.clone());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter).with(CountLines);
    match log.format {
        LogFormat::Text => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry.with(lines.with_ansi(colours)).init();
        }
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
    }
    Box::new(Control { handle, filter: Mutex::new(log.filter.clone()) })
}

struct Control {
    handle: Handle<Targets, Registry>,
    filter: Mutex<LogFilter>,
}

impl LogControl for Control {
    fn filter(&self) -> String {
        self.filter.lock().to_string()
    }

    fn set_filter(&self, filter: &str) -> Result<(), String> {
        let parsed: LogFilter = filter.parse()?;
        let mut current = self.filter.lock();
        self.handle.reload(parsed.targets.clone()).map_err(|error| error.to_string())?;
        *current = parsed;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    const MANUAL: &str = include_str!("../../../docs/logging.md");

    fn refused(text: &str) -> String {
        text.parse::<LogFilter>().expect_err("must be refused")
    }

    #[test]
    fn a_target_that_does_not_exist_is_refused_with_the_nearest() {
        assert_eq!(
            refused("info,tidegate::fetsh=debug"),
            "\"tidegate::fetsh\" is not a target, did you mean tidegate::fetch?"
        );
        assert!(refused("tidegate_server=debug").contains("did you mean tidegate::server?"));
        assert_eq!(refused("info,tidegate::fetch=loud"), "\"loud\" is not a level");
        assert_eq!(refused(" "), "is empty");
    }

    #[test]
    fn parts_of_the_second_filter_win() {
        let one: LogFilter = "warn,tidegate::fetch=info".parse().expect("valid");
        let both = one.with(&"tidegate::fetch=debug".parse().expect("valid"));
        assert!(both.targets.would_enable("tidegate::fetch", &Level::DEBUG));
        assert!(!both.targets.would_enable("tidegate::group", &Level::INFO));
        assert_eq!(both.to_string(), "warn,tidegate::fetch=info,tidegate::fetch=debug");
    }

    #[test]
    fn the_manual_lists_every_target_with_what_it_is_about() {
        for target in TARGETS {
            let row = format!("| `{}` | {} |\n", target.name, target.about);
            assert!(MANUAL.contains(&row), "docs/logging.md lacks\n{row}");
        }
        let rows = MANUAL.lines().filter(|line| line.starts_with("| `tidegate::")).count();
        assert_eq!(rows, TARGETS.len(), "docs/logging.md lists targets that do not exist");
    }
}
