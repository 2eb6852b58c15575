//! What a person sees while a run lasts: on a terminal a few lines that are redrawn in place, elsewhere a plain line now and then.
//!
//! It goes to standard error, so that standard output has nothing but the summary.

mod frame;

use crate::human;
use crate::report::{Phase, SoFar};
use std::env;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How the user wants it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Show nothing.
    pub quiet: bool,
    /// Plain lines this often, on a terminal too.
    pub interval: Option<Duration>,
}

/// How often a plain line comes where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// The view of a run that lasts.
pub struct Live {
    out: Box<dyn Write + Send>,
    mode: Mode,
    /// Lines of the frame that stands on the terminal.
    drawn: usize,
    /// When the last plain line was written.
    told: Instant,
    /// When the run began.
    began: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Quiet,
    Lines { every: Duration },
    Terminal { style: frame::Style },
}

impl Live {
    /// A view as this process's standard error and environment allow it.
    pub fn new(options: Options) -> Self {
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        let mode = match options {
            Options { quiet: true, .. } => Mode::Quiet,
            Options { interval: Some(every), .. } => Mode::Lines { every },
            _ if !io::stderr().is_terminal() || dumb => Mode::Lines { every: INTERVAL },
            _ => Mode::Terminal { style: frame::Style { color: color_wanted(), unicode: utf8() } },
        };
        Self::on(Box::new(io::stderr()), mode)
    }

    /// A view that shows nothing.
    pub fn quiet() -> Self {
        Self::on(Box::new(io::sink()), Mode::Quiet)
    }

    fn on(out: Box<dyn Write + Send>, mode: Mode) -> Self {
        let now = Instant::now();
        Self { out, mode, drawn: 0, told: now, began: now }
    }

    /// Shows the state of the run.
    pub(crate) fn show(&mut self, so_far: &SoFar<'_>) {
        match self.mode {
            Mode::Quiet => {}
            Mode::Lines { every } => {
                // A little early is on time: seconds do not come to the millisecond.
                if self.told.elapsed() + Duration::from_millis(100) >= every {
                    let since = self.told.elapsed();
                    self.told = Instant::now();
                    self.write(&format!("{}\n", frame::plain(so_far, since, self.began.elapsed())));
                }
            }
            Mode::Terminal { style } => {
                let lines = frame::lines(so_far, width(), style);
                let mut text = self.erase();
                for line in &lines {
                    text.push_str(line);
                    text.push('\n');
                }
                self.drawn = lines.len();
                self.write(&text);
            }
        }
    }

    /// One line that stays.
    pub(crate) fn line(&mut self, text: &str) {
        if self.mode == Mode::Quiet {
            return;
        }
        let mut all = self.erase();
        for line in text.lines() {
            all.push_str(&visible(line));
            all.push('\n');
        }
        self.write(&all);
    }

    /// A phase is over.
    pub(crate) fn phase_ended(&mut self, phase: &Phase) {
        let took = human::duration(Duration::from_millis(phase.took_ms));
        self.line(format!("{:<9} {took:>9}  {}", phase.name, phase.note).trim_end());
    }

    /// The run is over: what was drawn goes.
    pub(crate) fn end(&mut self) {
        let text = self.erase();
        self.write(&text);
    }

    /// What takes the drawn lines away again.
    fn erase(&mut self) -> String {
        let drawn = std::mem::take(&mut self.drawn);
        // Up by as many lines, then everything below is cleared.
        if drawn == 0 { String::new() } else { format!("\x1b[{drawn}F\x1b[0J") }
    }

    fn write(&mut self, text: &str) {
        // Whoever closed standard error does not want to see; the run goes on.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// Whether colours are wanted, by the convention of no-color.org.
pub fn color_wanted() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|value| value.to_ascii_lowercase().replace('-', "").ends_with("utf8"))
}

fn width() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| width.0.into())
}

/// `line` without what would move the cursor: output of commands comes from outside.
fn visible(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Sample, Totals};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no writer panicked").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Screen {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no writer panicked").clone()).expect("UTF-8")
        }
    }

    fn show(live: &mut Live) {
        let recent = [Sample { span_ms: 1000, acknowledged: 10, ..Sample::default() }];
        live.show(&SoFar {
            phase: "produce",
            phase_elapsed: Duration::from_secs(3),
            phase_planned: Some(Duration::from_secs(60)),
            totals: &Totals::default(),
            faults: 0,
            errors: 0,
            recent: &recent,
        });
    }

    #[test]
    fn a_terminal_is_drawn_anew_in_place_and_left_clean() {
        let screen = Screen::default();
        let style = frame::Style { color: false, unicode: true };
        let mut live = Live::on(Box::new(screen.clone()), Mode::Terminal { style });
        show(&mut live);
        let first = screen.text();
        let lines = first.lines().count();
        assert!(!first.contains('\x1b'), "{first:?}");
        show(&mut live);
        assert!(screen.text()[first.len()..].starts_with(&format!("\x1b[{lines}F\x1b[0J")));
        live.line("broker 1 went away");
        live.end();
        assert!(screen.text().ends_with("\x1b[0Jbroker 1 went away\n"), "{:?}", screen.text());
    }

    #[test]
    fn without_a_terminal_there_is_not_one_escape_and_a_line_only_now_and_then() {
        let screen = Screen::default();
        let every = Duration::from_secs(3600);
        let mut live = Live::on(Box::new(screen.clone()), Mode::Lines { every });
        show(&mut live);
        show(&mut live);
        assert_eq!(screen.text(), "");
        live.mode = Mode::Lines { every: Duration::ZERO };
        show(&mut live);
        let text = screen.text();
        assert_eq!(text.lines().count(), 1);
        assert!(!text.contains('\x1b') && text.contains("produce"), "{text:?}");
    }

    #[test]
    fn quiet_says_nothing() {
        let screen = Screen::default();
        let mut live = Live::on(Box::new(screen.clone()), Mode::Quiet);
        show(&mut live);
        live.line("a line");
        live.phase_ended(&Phase::default());
        live.end();
        assert_eq!(screen.text(), "");
    }

    #[test]
    fn output_of_a_command_cannot_move_the_cursor() {
        let screen = Screen::default();
        let mode = Mode::Lines { every: INTERVAL };
        Live::on(Box::new(screen.clone()), mode).line("killed\x1b[2J\r\nagain");
        assert!(!screen.text().contains(['\x1b', '\r']), "{:?}", screen.text());
        assert_eq!(screen.text().lines().count(), 2);
    }
}
