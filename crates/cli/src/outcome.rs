//! What came of doing something to several things: one that failed does not stop the others, and is
//! told at the end.

use crate::failure::Failure;
use crate::output::{print, print_json};
use serde::Serialize;

/// A thing by its name, and what is said of it, or why it was not done.
pub type Outcome = (String, Result<String, Failure>);

#[derive(Serialize)]
struct Done<'a> {
    name: &'a str,
    done: bool,
    error: Option<String>,
}

/// Prints what came of each, and fails if one of them did.
pub fn report(json: bool, outcomes: Vec<Outcome>) -> Result<(), Failure> {
    if json {
        let done: Vec<Done> = outcomes
            .iter()
            .map(|(name, result)| Done {
                name,
                done: result.is_ok(),
                error: result.as_ref().err().map(ToString::to_string),
            })
            .collect();
        print_json(&done)?;
    } else {
        for said in outcomes.iter().filter_map(|(_, result)| result.as_ref().ok()) {
            print(&format!("{said}\n"))?;
        }
    }
    let count = outcomes.len();
    let failures = outcomes.into_iter().filter_map(|(_, result)| result.err()).collect();
    failed(failures, count)
}

/// The failure of some of `count` things, if there is one. A lone one keeps its exit code.
pub fn failed(failures: Vec<Failure>, count: usize) -> Result<(), Failure> {
    match (failures.len(), count) {
        (0, _) => Ok(()),
        (1, 1) => Err(failures.into_iter().next().expect("it was counted")),
        (failed, _) => {
            let mut problems: Vec<String> = failures.iter().map(ToString::to_string).collect();
            problems.push(format!("{failed} of {count} failed"));
            Err(Failure::several(problems))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_among_several_is_counted_and_a_lone_one_keeps_its_exit_code() {
        let failure = || Failure::Usage("x is wrong".to_owned());
        assert!(failed(Vec::new(), 3).is_ok());
        assert!(matches!(failed(vec![failure()], 1), Err(Failure::Usage(_))));
        let several = failed(vec![failure()], 3).expect_err("one failed").to_string();
        assert_eq!(several, "x is wrong\n          1 of 3 failed");
    }
}
