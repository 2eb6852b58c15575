//! `tidegate inspect`: what the data directory of a stopped gateway holds. Nothing is changed.

mod directory;
mod groups;
mod log;
mod reader;
mod registry;
mod topics;

use crate::args::{InspectArgs, InspectWhat};
use crate::failure::Failure;
use reader::Reader;

/// Prints what was asked for. Exit code 4 if acknowledged data is damaged.
pub fn run(args: InspectArgs) -> Result<(), Failure> {
    let Some(what) = &args.what else { return directory::run(args) };
    let reader = Reader::open(&args)?;
    match what {
        InspectWhat::Topics => topics::topics(&reader),
        InspectWhat::Groups => groups::groups(&reader),
        InspectWhat::Offsets { group } => groups::offsets(&reader, group.as_deref()),
        InspectWhat::Producers { topic } => topics::producers(&reader, topic),
        InspectWhat::Registry { topic } => registry::records(&reader, topic),
        InspectWhat::Log(log) => log::log(&reader, log),
    }
}
