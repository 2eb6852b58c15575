//! `conformance`: shows the claims of this suite on a broker, or compares two.

use clap::{Args, Parser, Subcommand};
use conformance::document::Document;
use conformance::expected::{Expected, diff};
use conformance::junit::{self, Case};
use conformance::run::{Outcome, run};
use conformance::scenarios;
use conformance::target::Target;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Claims about the Kafka protocol, on any broker.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
    /// Only scenarios whose area/name contains this.
    #[arg(long, global = true)]
    filter: Option<String>,
    /// Where differences.toml and expected/ are.
    #[arg(long, global = true, default_value = "tests/conformance")]
    directory: PathBuf,
    /// The document of which a part is written from them.
    #[arg(long, global = true, default_value = "docs/compatibility.md")]
    document: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Print the names of the scenarios.
    List,
    /// Show which claims hold, and print the transcripts with --verbose.
    Run {
        #[command(flatten)]
        at: At,
        #[arg(long, short)]
        verbose: bool,
    },
    /// Keep Apache Kafka's answers as what is expected.
    Record(At),
    /// Keep Tidegate's answers where differences.toml says that they differ on purpose.
    Accept(At),
    /// Compare Tidegate's answers with what is kept.
    Check {
        #[command(flatten)]
        at: At,
        /// Write a JUnit report there.
        #[arg(long)]
        junit: Option<PathBuf>,
    },
    /// Write the document's generated part anew, as `record` and `accept` do.
    Document,
    /// Print where the answers of two brokers differ.
    Compare { one: String, other: String },
}

#[derive(Args)]
struct At {
    /// HOST:PORT of the broker.
    #[arg(long)]
    bootstrap: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match execute(Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::from(2)
        }
    }
}

/// True if all is as it should be.
async fn execute(options: Options) -> Result<bool, Box<dyn Error>> {
    let filter = options.filter.as_deref();
    match &options.command {
        Command::List => {
            scenarios::all(filter).iter().for_each(|scenario| println!("{}", scenario.id()));
            Ok(true)
        }
        Command::Run { at, verbose } => {
            let outcomes = outcomes_at(&at.bootstrap, filter).await?;
            Ok(tell_failures(&outcomes, *verbose))
        }
        Command::Record(at) => {
            let expected = Expected::open(&options.directory)?;
            let outcomes = outcomes_at(&at.bootstrap, filter).await?;
            let hold = outcomes.iter().filter(|outcome| outcome.failure.is_none());
            hold.clone().try_for_each(|outcome| expected.record(outcome))?;
            expected.remove(&expected.stale(&known())?)?;
            document(&options, &expected).write()?;
            println!("{} recorded", hold.count());
            Ok(tell_failures(&outcomes, false))
        }
        Command::Accept(at) => {
            let expected = Expected::open(&options.directory)?;
            let mut count = 0;
            for outcome in outcomes_at(&at.bootstrap, filter).await? {
                count += usize::from(expected.accept(&outcome)?);
            }
            expected.remove(&expected.stale(&known())?)?;
            document(&options, &expected).write()?;
            println!("{count} accepted");
            Ok(true)
        }
        Command::Check { at, junit } => {
            let expected = Expected::open(&options.directory)?;
            let mut cases = check(&expected, &at.bootstrap, filter).await?;
            let is_current = document(&options, &expected).is_current()?;
            cases.push(Case {
                id: "suite/the_document_is_as_it_would_be_written".to_owned(),
                took: std::time::Duration::ZERO,
                failure: (!is_current).then(|| "write it: conformance document".to_owned()),
            });
            if let Some(path) = junit {
                std::fs::write(path, junit::report(&cases))?;
            }
            Ok(tell_cases(&cases))
        }
        Command::Document => {
            document(&options, &Expected::open(&options.directory)?).write()?;
            Ok(true)
        }
        Command::Compare { one, other } => compare(&options, one, other).await,
    }
}

async fn outcomes_at(bootstrap: &str, filter: Option<&str>) -> Result<Vec<Outcome>, String> {
    let target = Target::find(bootstrap).await.map_err(|error| format!("{bootstrap}: {error}"))?;
    Ok(run(&Arc::new(target), &scenarios::all(filter)).await)
}

fn document<'a>(options: &Options, expected: &'a Expected) -> Document<'a> {
    Document { path: options.document.clone(), expected }
}

fn known() -> std::collections::BTreeSet<String> {
    scenarios::all(None).iter().map(|scenario| scenario.id()).collect()
}

fn tell_failures(outcomes: &[Outcome], verbose: bool) -> bool {
    let mut failed = 0;
    for outcome in outcomes {
        let id = outcome.scenario.id();
        match &outcome.failure {
            Some(failure) => {
                failed += 1;
                println!("FAILED {id}\n{}", indented(failure));
            }
            None if verbose => println!("ok     {id} ({:.2} s)", outcome.took.as_secs_f64()),
            None => {}
        }
        if verbose {
            println!("{}", indented(&outcome.transcript));
        }
    }
    println!("{} claims hold, {failed} do not", outcomes.len() - failed);
    failed == 0
}

/// One case for each scenario, and one for recordings of what does not exist.
async fn check(
    expected: &Expected,
    bootstrap: &str,
    filter: Option<&str>,
) -> Result<Vec<Case>, Box<dyn Error>> {
    let outcomes = outcomes_at(bootstrap, filter).await?;
    let mut cases: Vec<Case> = outcomes
        .iter()
        .map(|outcome| Case {
            id: outcome.scenario.id(),
            took: outcome.took,
            failure: expected.problem(outcome),
        })
        .collect();
    let stale = expected.stale(&known())?;
    cases.push(Case {
        id: "suite/every_recording_is_of_a_scenario".to_owned(),
        took: std::time::Duration::ZERO,
        failure: (!stale.is_empty()).then(|| format!("stale: {}", stale.join(", "))),
    });
    Ok(cases)
}

fn tell_cases(cases: &[Case]) -> bool {
    let mut failed = 0;
    for case in cases {
        if let Some(failure) = &case.failure {
            failed += 1;
            println!("FAILED {}\n{}", case.id, indented(failure));
        }
    }
    println!("{} as expected, {failed} not", cases.len() - failed);
    failed == 0
}

/// True if the answers are the same but for the deliberate differences.
async fn compare(options: &Options, one: &str, other: &str) -> Result<bool, Box<dyn Error>> {
    let expected = Expected::open(&options.directory)?;
    let filter = options.filter.as_deref();
    let ones = outcomes_at(one, filter).await?;
    let others = outcomes_at(other, filter).await?;
    let (mut deliberate, mut differ) = (0, 0);
    for (first, second) in ones.iter().zip(&others) {
        let Some(diff) = diff(one, &first.transcript, other, &second.transcript) else { continue };
        let id = first.scenario.id();
        match expected.differences.get(&id) {
            Some(reason) => {
                deliberate += 1;
                println!("{id}: on purpose. {reason}");
            }
            None => {
                differ += 1;
                println!("{id}");
            }
        }
        println!("{}", indented(&diff));
    }
    let same = ones.len() - deliberate - differ;
    println!("{same} the same, {deliberate} different on purpose, {differ} different");
    Ok(differ == 0)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
