//! A gateway and registry of the load test's own: this program as a child process, with its data in a
//! temporary directory that goes with it.

use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tidegate_load::engine::Hooks;
use tidegate_load::plan::Plan;

/// How long the gateway may take to be ready, also with much to recover.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long it may take to stop before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// How long after a death that nobody ordered it is started again, as a service manager would.
const REVIVE_PAUSE: Duration = Duration::from_millis(500);

/// The gateway, until [`Embedded::stop`].
pub struct Embedded {
    gateway: Arc<Gateway>,
}

struct Gateway {
    directory: PathBuf,
    serve: Vec<String>,
    addresses: Addresses,
    state: Mutex<State>,
    /// Held by who starts it again, which takes long; the state is locked for moments only.
    starting: Mutex<()>,
}

struct State {
    /// None while it is stopped on purpose, and between tries to start it again.
    child: Option<Child>,
    revived: u32,
    over: bool,
}

/// Where a gateway listens.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Addresses {
    kafka: String,
    registry: Option<String>,
}

impl Embedded {
    /// Starts a gateway with these flags of `serve` beside our own.
    pub fn start(serve: &[String]) -> Result<Embedded, String> {
        let directory = std::env::temp_dir().join(format!("tidegate-load-{}", std::process::id()));
        std::fs::create_dir(&directory).map_err(|error| {
            format!("--embedded cannot make its directory {}: {error}", directory.display())
        })?;
        let anywhere = "127.0.0.1:0".to_owned();
        let free = Addresses { kafka: anywhere.clone(), registry: Some(anywhere) };
        let started = spawn(&directory, serve, &free).and_then(|(mut child, ready)| {
            let addresses = await_ready(&directory, &ready).inspect_err(|_| kill(&mut child))?;
            Ok((child, addresses))
        });
        let (child, addresses) = match started {
            Ok(started) => started,
            Err(problem) => {
                remove(&directory);
                return Err(problem);
            }
        };
        let state = Mutex::new(State { child: Some(child), revived: 0, over: false });
        let serve = serve.to_vec();
        let starting = Mutex::new(());
        let gateway = Arc::new(Gateway { directory, serve, addresses, state, starting });
        gateway.note_pid();
        let watched = gateway.clone();
        std::thread::spawn(move || watched.watch());
        Ok(Embedded { gateway })
    }

    /// Points a plan at it.
    pub fn address(&self, plan: &mut Plan) {
        let Addresses { kafka, registry } = &self.gateway.addresses;
        plan.bootstrap.clone_from(kafka);
        if plan.registry.is_some() {
            plan.registry = registry.as_ref().map(|address| format!("http://{address}"));
        }
    }

    /// What the engine asks of it. `restart`: whether it is restarted between two verifications.
    pub fn hooks(&self, restart: bool) -> Hooks {
        let restarted = self.gateway.clone();
        let known = self.gateway.clone();
        let pid_file = self.gateway.pid_file().display().to_string();
        let bootstrap = self.gateway.addresses.kafka.clone();
        Hooks {
            restart: restart.then(|| {
                let restart: tidegate_load::engine::Restart = Box::new(move || restarted.restart());
                restart
            }),
            target_pid: Box::new(move || known.lock().child.as_ref().map(Child::id)),
            environment: vec![
                ("TIDEGATE_LOAD_PID_FILE".to_owned(), pid_file),
                ("TIDEGATE_LOAD_BOOTSTRAP".to_owned(), bootstrap),
            ],
            embedded: true,
            client: None,
        }
    }

    /// Stops it and removes its data. A sentence if it had to be started again in between.
    pub fn stop(self) -> Option<String> {
        let child = {
            let mut state = self.gateway.lock();
            state.over = true;
            state.child.take()
        };
        if let Some(child) = child {
            end(child);
        }
        // Who was starting it again sees that it is over.
        drop(self.gateway.starting());
        remove(&self.gateway.directory);
        match self.gateway.lock().revived {
            0 => None,
            1 => Some("The embedded gateway died and was started again.".to_owned()),
            times => {
                Some(format!("The embedded gateway died and was started again {times} times."))
            }
        }
    }
}

impl Gateway {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with the lock")
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.join("gateway.pid")
    }

    /// Commands of a plan find the process by its file, also after it was started again.
    fn note_pid(&self) {
        if let Some(child) = &self.lock().child {
            // Without the file such a command fails and says so; the run goes on.
            let _ = std::fs::write(self.pid_file(), format!("{}\n", child.id()));
        }
    }

    fn starting(&self) -> MutexGuard<'_, ()> {
        self.starting.lock().expect("nobody panics with the lock")
    }

    /// Stops the gateway as its user would, and starts it again where it was.
    fn restart(&self) -> Result<(), String> {
        let starting = self.starting();
        let child = self.lock().child.take();
        if let Some(child) = child {
            end(child);
        }
        self.start_again(&starting)
    }

    /// Starts the gateway again whenever it has died and nobody ordered that, until it is there: a command
    /// may kill it while it starts.
    fn watch(&self) {
        let mut told = false;
        loop {
            std::thread::sleep(Duration::from_millis(100));
            // Who starts it sees for himself whether it dies.
            let Ok(starting) = self.starting.try_lock() else { continue };
            let mut state = self.lock();
            if state.over {
                return;
            }
            let died = state
                .child
                .as_mut()
                .is_none_or(|child| child.try_wait().is_ok_and(|status| status.is_some()));
            if !died {
                continue;
            }
            state.child = None;
            drop(state);
            std::thread::sleep(REVIVE_PAUSE);
            let started = self.start_again(&starting);
            let mut state = self.lock();
            match started {
                Ok(()) => {
                    state.revived += 1;
                    told = false;
                }
                Err(_) if state.over => return,
                // The next try would mostly say the same.
                Err(_) if told => {}
                Err(problem) => {
                    eprintln!("tidegate: the embedded gateway did not start again: {problem}");
                    told = true;
                }
            }
        }
    }

    /// Starts the gateway where it was. Its process can be seen, and stopped, before it is ready.
    fn start_again(&self, _: &MutexGuard<'_, ()>) -> Result<(), String> {
        let (mut child, ready) = spawn(&self.directory, &self.serve, &self.addresses)?;
        let mut state = self.lock();
        if state.over {
            kill(&mut child);
            return Err("it was stopped for good".to_owned());
        }
        state.child = Some(child);
        drop(state);
        self.note_pid();
        let ready = await_ready(&self.directory, &ready);
        ready.map(|_| ()).inspect_err(|_| {
            if let Some(mut child) = self.lock().child.take() {
                kill(&mut child);
            }
        })
    }
}

/// Starts a gateway, which tells where it listens when it is ready.
fn spawn(
    directory: &Path,
    serve: &[String],
    addresses: &Addresses,
) -> Result<(Child, Receiver<Addresses>), String> {
    let program = std::env::current_exe()
        .map_err(|error| format!("--embedded does not find this program: {error}"))?;
    let mut command = Command::new(program);
    command.arg("serve").arg("--data-dir").arg(directory.join("data"));
    command.args(["--listen", &addresses.kafka, "--admin-listen", "off", "--log-format", "json"]);
    command.args(["--registry-listen", addresses.registry.as_deref().unwrap_or("off")]);
    command.args(serve);
    // Settings of another gateway that happen to be in the environment are not meant for this one.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIDEGATE_") {
            command.env_remove(name);
        }
    }
    // In a group of its own: Ctrl-C is for the load test, which stops the gateway when it is done.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|error| format!("--embedded cannot start the gateway: {error}"))?;
    let log = log(directory);
    let lines = child.stderr.take().expect("it is piped");
    let (ready, told) = channel();
    std::thread::spawn(move || keep_log(lines, &log, &ready));
    Ok((child, told))
}

/// Where a gateway listens, as soon as it does. An error is that it has ended by itself, or hangs.
fn await_ready(directory: &Path, ready: &Receiver<Addresses>) -> Result<Addresses, String> {
    ready.recv_timeout(READY_TIMEOUT).map_err(|_| {
        format!("the embedded gateway did not get ready: {}", last_lines(&log(directory)))
    })
}

fn log(directory: &Path) -> PathBuf {
    directory.join("gateway.log")
}

/// Writes the gateway's log into a file, and tells where it listens when it is ready.
fn keep_log(lines: ChildStderr, file: &Path, ready: &Sender<Addresses>) {
    let mut file = File::options().create(true).append(true).open(file).ok();
    for line in BufReader::new(lines).lines().map_while(Result::ok) {
        if let Some(file) = &mut file {
            // The log is for looking into; the run does not need it.
            let _ = writeln!(file, "{line}");
        }
        if let Some(addresses) = addresses(&line) {
            // Nobody waits for a second time.
            let _ = ready.send(addresses);
        }
    }
}

/// The addresses in the log's line that says that the gateway is ready.
fn addresses(line: &str) -> Option<Addresses> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line.get("message")?.as_str()? != "ready" {
        return None;
    }
    let text = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Addresses { kafka: text("kafka")?, registry: text("registry") })
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    match lines.is_empty() {
        true => "it wrote nothing".to_owned(),
        false => lines.into_iter().rev().collect::<Vec<_>>().join("; "),
    }
}

/// Asks a process to stop, and kills it if it does not.
fn end(mut child: Child) {
    let ask = format!("kill -TERM {}", child.id());
    // If the shell is not there, the deadline does it.
    let _ = Command::new("sh").args(["-c", &ask]).stderr(Stdio::null()).status();
    let deadline = Instant::now() + STOP_TIMEOUT;
    while child.try_wait().is_ok_and(|status| status.is_none()) {
        if Instant::now() >= deadline {
            return kill(&mut child);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn kill(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

fn remove(directory: &Path) {
    if let Err(error) = std::fs::remove_dir_all(directory) {
        eprintln!("tidegate: {} was not removed: {error}", directory.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_ready_has_the_addresses() {
        let line =
            r#"{"level":"INFO","message":"ready","kafka":"127.0.0.1:1","registry":"127.0.0.1:2"}"#;
        let found = addresses(line).unwrap();
        assert_eq!(
            (found.kafka.as_str(), found.registry.as_deref()),
            ("127.0.0.1:1", Some("127.0.0.1:2"))
        );
        assert_eq!(addresses(r#"{"message":"stopping"}"#), None);
        assert_eq!(addresses("ready"), None);
    }
}
