//! `tidegate log-level`: which log lines a running gateway writes.

use super::{Admin, json};
use crate::args::LogLevelArgs;
use crate::failure::Failure;
use crate::output;

/// Changes the filter if one is given, and prints the one in force.
pub fn log_level(args: &LogLevelArgs) -> Result<(), Failure> {
    let admin = Admin::new(&args.admin);
    let answer = match &args.filter {
        Some(filter) => admin.put("/log-level", filter)?,
        None => admin.get("/log-level")?,
    };
    let answer = json(answer)?;
    if args.admin.json {
        return output::print_json(&answer);
    }
    let filter = answer["filter"].as_str().unwrap_or_default();
    output::print(&format!("{filter}\n"))
}
