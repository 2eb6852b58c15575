//! `tidegate load`: from flags to a run, and from its report to an exit code.

mod embedded;
mod flags;

use crate::args::{LoadArgs, LoadCommand, LoadCompareArgs, LoadRunArgs};
use embedded::Embedded;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tidegate_load::engine::{self, Stop};
use tidegate_load::live::{self, Live};
use tidegate_load::metrics::Exporter;
use tidegate_load::plan::{Exit, PRESETS, Plan};
use tidegate_load::report::{self, Recorder, Report};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that come within this time are one wish.
const SIGNAL_PAUSE: Duration = Duration::from_millis(300);

/// Runs the command. Its exit codes are its own: 0 clean, 1 data fault, 2 unusable, 3 expectation missed.
pub fn run(args: LoadArgs) -> ExitCode {
    let done = match args.command {
        Some(LoadCommand::Presets) => print(&presets()).map(|()| Exit::Clean.code()),
        Some(LoadCommand::Compare(args)) => compare(&args).map(|()| Exit::Clean.code()),
        None => test(&args.run),
    };
    ExitCode::from(done.unwrap_or_else(|problem| {
        eprintln!("tidegate: {problem}");
        Exit::Unusable.code()
    }))
}

/// A load test; an error is a sentence on what could not be used.
fn test(args: &LoadRunArgs) -> Result<u8, String> {
    let mut plan = flags::plan(args)?;
    for path in &args.output.reports {
        report::check_target(path).map_err(|error| error.to_string())?;
    }
    let exporter = args.output.metrics_listen.as_deref().map(Exporter::listen).transpose()?;
    let stop = Arc::new(Stop::default());
    listen_for_signals(&stop)?;
    let embedded = match args.embedded {
        true => Some(Embedded::start(&args.serve)?),
        false => None,
    };
    if let Some(embedded) = &embedded {
        embedded.address(&mut plan);
    }
    if let Some(exporter) = &exporter {
        exporter.describe(&plan.preset, plan.client.name(), plan.rate * f64::from(plan.producers));
    }
    let view = live::Options {
        quiet: args.output.quiet,
        interval: args.output.progress_interval.map(|span| span.duration()),
    };
    let recorder = Recorder::new(Live::new(view), exporter);
    // A gateway in memory has nothing to find again.
    let in_memory = args.serve.iter().any(|flag| flag == "memory" || flag == "--storage=memory");
    let restart = !args.target.no_restart && !in_memory;
    let hooks = embedded.as_ref().map(|embedded| embedded.hooks(restart));
    let mut report = engine::run(&plan, recorder, &stop, hooks.unwrap_or_default());
    if let Some(embedded) = embedded {
        report.notes.extend(embedded.stop());
    }
    tell(&report, &args.output.reports)
}

/// Prints the summary and writes the files. Prints it too if a file could not be written.
fn tell(report: &Report, files: &[PathBuf]) -> Result<u8, String> {
    let colour = std::io::stdout().is_terminal() && live::color_wanted();
    print(&report::summary(report, colour))?;
    let mut unwritten = Vec::new();
    for path in files {
        if let Err(error) = report::write(report, path) {
            unwritten.push(error.to_string());
        }
    }
    match unwritten.is_empty() {
        true => Ok(report.exit_code),
        false => Err(unwritten.join("\n          ")),
    }
}

fn compare(args: &LoadCompareArgs) -> Result<(), String> {
    let text = report::compare::compare(&args.a, &args.b, args.json);
    print(&text.map_err(|error| error.to_string())?)
}

fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}

fn presets() -> String {
    let mut text = format!(
        "{:<10} {:>8} {:>9} {:>8} {:>9} {:>6}  {}\n",
        "PRESET", "DURATION", "PRODUCERS", "RATE", "CONSUMERS", "BYTES", "FOR"
    );
    for preset in PRESETS {
        text += &format!(
            "{:<10} {:>8} {:>9} {:>8} {:>9} {:>6}  {}\n",
            preset.name,
            preset.duration.to_string(),
            preset.producers,
            preset.rate,
            preset.consumers,
            preset.bytes,
            preset.about
        );
    }
    text + "\nRATE is records per second of each producer. Every number is also a flag; see tidegate load --help.\n"
}

/// The first signal ends the run early, the second one at once, the third one without a report.
fn listen_for_signals(stop: &Arc<Stop>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot listen for signals: {error}");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (mut interrupt, mut terminate) = runtime
        .block_on(async {
            Ok::<_, std::io::Error>((
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
            ))
        })
        .map_err(failed)?;
    let stop = stop.clone();
    let listen = move || {
        runtime.block_on(async {
            for _ in 0..2 {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                stop.ask();
                // A shell or `timeout` may send one wish twice, to the process and to its group.
                tokio::time::sleep(SIGNAL_PAUSE).await;
                drain(&mut interrupt);
                drain(&mut terminate);
            }
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        std::process::exit(i32::from(Exit::Unusable.code()));
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(failed)?;
    Ok(())
}

/// Forgets what has arrived.
fn drain(signals: &mut Signal) {
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    while signals.poll_recv(&mut nobody).is_ready() {}
}

/// The plan's file as text.
fn read_file(path: &PathBuf) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("--config {}: cannot be read: {error}", path.display()))
}

/// A checked plan from a file's settings and flags.
fn build(
    file: Option<tidegate_load::plan::Overrides>,
    flags: tidegate_load::plan::Overrides,
) -> Result<Plan, String> {
    Plan::build(file, flags).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_listed_with_their_numbers() {
        let text = presets();
        assert!(
            text.lines().any(|line| {
                line.split_whitespace().take(6).eq(["stress", "10m", "20", "2000", "10", "2048"])
            }),
            "{text}"
        );
    }
}
