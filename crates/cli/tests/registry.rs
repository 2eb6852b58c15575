//! The schema registry as part of the binary: its address, and the users' file.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A gateway without a disk. It is killed when the test ends.
struct Gateway {
    child: Child,
    greeting: String,
}

impl Gateway {
    /// Starts it and reads its greeting.
    fn start(arguments: &[&str]) -> Gateway {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["serve", "--storage", "memory", "--listen", "127.0.0.1:0"])
            .args(["--admin-listen", "off"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let stdout = child.stdout.take().expect("it is piped");
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let greeting: Vec<String> = lines.take_while(|line| !line.starts_with("Try:")).collect();
        Gateway { child, greeting: greeting.join("\n") }
    }

    fn registry(&self) -> Option<&str> {
        let line = self.greeting.lines().find(|line| line.trim().starts_with("registry "))?;
        line.rsplit_once("http://").map(|(_, address)| address)
    }

    /// Kills it and returns what it logged.
    fn log(mut self) -> String {
        self.child.kill().expect("it runs");
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut log).expect("logs are UTF-8");
        log
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only if it has ended already, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn get(address: &str, path: &str, header: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the registry listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).expect("the registry reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers are UTF-8");
    answer
}

#[test]
fn a_gateway_has_a_registry_unless_it_is_off() {
    let gateway = Gateway::start(&["--registry-listen", "127.0.0.1:0"]);
    let address = gateway.registry().expect("the greeting names it");
    let answer = get(address, "/subjects", "");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n[]"), "{answer}");
    let gateway = Gateway::start(&["--registry-listen", "off"]);
    assert_eq!(gateway.registry(), None, "{}", gateway.greeting);
}

#[test]
fn a_default_address_that_is_taken_is_told_and_does_not_stop_the_start() {
    // Another program that keeps it serves as well; one that has it for a moment would let it go in between.
    let taken = || {
        std::thread::sleep(Duration::from_millis(100));
        TcpListener::bind("127.0.0.1:8081").ok()
    };
    let _taken = (0..150).find_map(|_| taken());
    let gateway = Gateway::start(&[]);
    assert!(gateway.greeting.contains("kafka"), "{}", gateway.greeting);
    assert_eq!(gateway.registry(), None, "{}", gateway.greeting);
    let log = gateway.log();
    assert!(log.contains("no schema registry: another program has the address"), "{log}");
    assert!(log.contains("set registry_listen to another one, or to off"), "{log}");
}

#[test]
fn a_named_address_that_is_taken_stops_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["serve", "--storage", "memory", "--listen", "127.0.0.1:0"])
        .args(["--admin-listen", "off", "--registry-listen", &address])
        .output()
        .expect("the binary was built for this test");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let message = String::from_utf8(output.stderr).expect("messages are UTF-8");
    let expected = format!("tidegate: cannot listen on {address} (registry_listen): ");
    assert!(message.contains(&expected), "{message}");
}

#[test]
fn a_line_of_registry_user_lets_that_user_in() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["registry-user", "anna"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(b"secret\n").expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    let path = std::env::temp_dir().join(format!("tidegate-users-{}", std::process::id()));
    std::fs::write(&path, &output.stdout).expect("the temporary directory is writable");
    let config = path.with_extension("toml");
    let text = format!("[registry]\nusers_file = {:?}\n", path.display().to_string());
    std::fs::write(&config, text).expect("the temporary directory is writable");
    let config = config.display().to_string();
    let gateway = Gateway::start(&["--registry-listen", "127.0.0.1:0", "--config", &config]);
    let address = gateway.registry().expect("the greeting names it");
    assert!(get(address, "/", "").starts_with("HTTP/1.1 401 "));
    // anna:secret
    let answer = get(address, "/", "authorization: Basic YW5uYTpzZWNyZXQ=\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    std::fs::remove_file(&config).expect("it was written above");
    std::fs::remove_file(&path).expect("it was written above");
}
