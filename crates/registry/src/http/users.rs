//! HTTP basic authentication: users in a file, their passwords as bcrypt hashes.
//!
//! bcrypt takes tens of milliseconds on purpose. Credentials that were right once are remembered, by
//! a keyed hash, so that only the first request of a client pays for it.

use crate::error::ApiError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use parking_lot::RwLock;
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How much work a password costs: 2^10 rounds, about 50 ms.
const COST: u32 = 10;
/// bcrypt reads no further than this.
const PASSWORD_BYTES_MAX: usize = 72;
/// What follows the cost in a hash: 22 characters of salt, and 31 of the hash itself.
const SALT_AND_HASH_CHARS: usize = 53;
/// How many credentials are remembered before all are forgotten.
const REMEMBERED_MAX: usize = 4_096;
/// How many passwords are checked at once: guesses must not take all cores from everybody else.
const CHECKS_MAX: usize = 1;
/// How long a password may wait until it is checked.
const CHECK_WAIT_MAX: Duration = Duration::from_secs(5);

/// Who may use the registry.
pub struct Users {
    hashes: HashMap<String, String>,
    /// What the most expensive hash of the file costs; refusing any name costs as much.
    cost: u32,
    keys: [RandomState; 2],
    right: RwLock<HashSet<u128>>,
    checks: Arc<Semaphore>,
}

/// So many passwords wait that this one was not checked in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Too many passwords are being checked, try again later")]
pub struct Busy;

impl From<Busy> for ApiError {
    fn from(busy: Busy) -> Self {
        ApiError::with_status(StatusCode::SERVICE_UNAVAILABLE, busy.to_string())
    }
}

/// A line of the file is none of `name:hash`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BadUsers {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A password cannot be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// bcrypt would ignore the rest.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// A name with a colon, or none.
    #[error("a user's name is not empty and has no colon")]
    Name,
    /// The system gave no random numbers.
    #[error("the system gives no random numbers")]
    NoChance,
}

/// The line of the users' file for this name and password.
pub fn user_line(name: &str, password: &str) -> Result<String, BadPassword> {
    if name.is_empty() || name.contains([':', '\n', '\r']) {
        return Err(BadPassword::Name);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(BadPassword::TooLong);
    }
    let hash = bcrypt::hash(password, COST).map_err(|_| BadPassword::NoChance)?;
    Ok(format!("{name}:{hash}"))
}

impl Users {
    /// Reads a file of `name:hash` lines, as this gateway and `htpasswd -B` write them. Empty lines
    /// and those that begin with `#` do not count.
    pub fn parse(text: &str) -> Result<Self, BadUsers> {
        let mut hashes = HashMap::new();
        let mut highest = None;
        for (index, line) in text.lines().enumerate() {
            let bad = |problem| BadUsers { line: index + 1, problem };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, hash) = line.split_once(':').ok_or(bad("is not name:hash"))?;
            let Ok(parts) = hash.parse::<bcrypt::HashParts>() else {
                return Err(bad("holds no bcrypt hash"));
            };
            highest = highest.max(Some(parts.get_cost()));
            if hashes.insert(name.to_owned(), hash.to_owned()).is_some() {
                return Err(bad("names a user again"));
            }
        }
        Ok(Users {
            hashes,
            cost: highest.unwrap_or(COST),
            keys: [RandomState::new(), RandomState::new()],
            right: RwLock::default(),
            checks: Arc::new(Semaphore::new(CHECKS_MAX)),
        })
    }

    /// Whether the value of an Authorization header is a user's name and password.
    pub async fn allows(self: &Arc<Self>, authorization: Option<&[u8]>) -> Result<bool, Busy> {
        let Some(authorization) = authorization else { return Ok(false) };
        let mark = self.mark(authorization);
        if self.right.read().contains(&mark) {
            return Ok(true);
        }
        let Some((name, password)) = credentials(authorization) else { return Ok(false) };
        if password.len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        let permit = tokio::time::timeout(CHECK_WAIT_MAX, self.checks.clone().acquire_owned());
        let permit = permit.await.map_err(|_| Busy)?.expect("the semaphore is never closed");
        // Whoever waited for the same credentials finds them checked.
        if self.right.read().contains(&mark) {
            return Ok(true);
        }
        let users = self.clone();
        let check = move || {
            // The check goes on when the client hangs up, and so must be counted until its own end.
            let _permit = permit;
            let is_right = users.is_right(&name, &password);
            if is_right {
                users.remember(mark);
            }
            is_right
        };
        Ok(tokio::task::spawn_blocking(check).await.unwrap_or(false))
    }

    /// Whether the user has this password. A wrong one takes the same time whatever the name is, so
    /// that nobody learns from it which names there are.
    fn is_right(&self, name: &str, password: &str) -> bool {
        let verify = |hash: &str| bcrypt::verify(password, hash).unwrap_or(false);
        let known = self.hashes.get(name);
        if known.is_some_and(|hash| verify(hash)) {
            return true;
        }
        for hash in self.stand_ins(known.map(String::as_str)) {
            // Nobody has these hashes: only the time counts.
            verify(&hash);
        }
        false
    }

    /// What is hashed besides a user's own hash, or instead of one, to have spent `cost`. Each cost
    /// is twice the one below it, so that one of each from the user's up, with the user's own, make
    /// as many rounds as the highest alone.
    fn stand_ins(&self, known: Option<&str>) -> Vec<String> {
        let costs = match known.and_then(|hash| hash.parse::<bcrypt::HashParts>().ok()) {
            Some(known) => known.get_cost()..self.cost,
            None => self.cost..self.cost + 1,
        };
        costs.map(|cost| format!("$2b${cost:02}${}", ".".repeat(SALT_AND_HASH_CHARS))).collect()
    }

    fn remember(&self, mark: u128) {
        let mut right = self.right.write();
        if right.len() >= REMEMBERED_MAX {
            right.clear();
        }
        right.insert(mark);
    }

    fn mark(&self, authorization: &[u8]) -> u128 {
        let [high, low] = self.keys.each_ref().map(|key| u128::from(key.hash_one(authorization)));
        (high << 64) | low
    }
}

/// Name and password from `Basic …`.
fn credentials(authorization: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(authorization).ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(pair: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(pair)).into_bytes()
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_user_is_let_in() {
        let line = user_line("anna", "s:cret").expect("it can be hashed");
        let users = Arc::new(Users::parse(&format!("# staff\n\n{line}\n")).expect("valid"));
        let right = basic("anna:s:cret");
        assert_eq!(users.allows(Some(&right)).await, Ok(true));
        assert_eq!(users.allows(Some(&right)).await, Ok(true), "as remembered");
        for pair in ["anna:wrong", "anna:", "bert:s:cret", "bert:", "anna"] {
            assert_eq!(users.allows(Some(&basic(pair))).await, Ok(false), "{pair}");
        }
        for header in [&b"Bearer x"[..], b"Basic", b"Basic ???", b"\xff"] {
            assert_eq!(users.allows(Some(header)).await, Ok(false));
        }
        assert_eq!(users.allows(None).await, Ok(false));
    }

    #[test]
    fn a_check_is_counted_until_its_end_when_its_client_has_gone() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(1)
            .build()
            .expect("there are threads");
        runtime.block_on(async {
            let users = Arc::new(Users::parse("").expect("valid"));
            // The only thread is taken, so that the check cannot end before this test allows it.
            let (go_on, wait) = std::sync::mpsc::channel::<()>();
            let taken = tokio::task::spawn_blocking(move || wait.recv().is_err());
            let header = basic("anna:wrong");
            let asked = users.allows(Some(&header));
            let gone = tokio::time::timeout(Duration::from_millis(50), asked).await;
            assert!(gone.is_err(), "it is not checked yet");
            assert_eq!(users.checks.available_permits(), 0);
            drop(go_on);
            taken.await.expect("it ends");
            assert_eq!(users.allows(Some(&header)).await, Ok(false), "the permit came back");
        });
    }

    #[tokio::test(start_paused = true)]
    async fn a_password_that_waits_too_long_is_not_checked() {
        let line = user_line("anna", "secret").expect("it can be hashed");
        let users = Arc::new(Users::parse(&line).expect("valid"));
        let others = users.checks.clone().acquire_owned().await.expect("it is never closed");
        let header = basic("anna:secret");
        let busy = users.allows(Some(&header)).await.expect_err("others are being checked");
        assert_eq!(ApiError::from(busy).status, StatusCode::SERVICE_UNAVAILABLE);
        drop(others);
        assert_eq!(users.allows(Some(&header)).await, Ok(true));
    }

    #[test]
    fn a_wrong_password_costs_the_same_whatever_the_name_is() {
        let line = |name: &str, cost| {
            format!("{name}:{}\n", bcrypt::hash("secret", cost).expect("it can be hashed"))
        };
        let rounds = |hash: &str| {
            1_u64 << hash.parse::<bcrypt::HashParts>().expect("it is a hash").get_cost()
        };
        for file in [String::new(), line("a", 4), line("a", 4) + &line("b", 5) + &line("c", 8)] {
            let users = Users::parse(&file).expect("valid");
            let costs = ["a", "b", "c", "nobody"].map(|name| {
                let known = users.hashes.get(name).map(String::as_str);
                let stand_ins = users.stand_ins(known);
                known.map_or(0, rounds) + stand_ins.iter().map(|hash| rounds(hash)).sum::<u64>()
            });
            assert_eq!(costs, [1 << users.cost; 4], "{file}");
            for name in ["a", "b", "c"] {
                assert_eq!(users.is_right(name, "secret"), users.hashes.contains_key(name));
            }
            assert!(!users.is_right("nobody", "secret"));
        }
    }

    #[test]
    fn a_line_that_is_no_user_is_named() {
        let problem = |text| Users::parse(text).map(|_| ()).expect_err("refused").to_string();
        assert_eq!(problem("anna"), "line 1: is not name:hash");
        assert_eq!(problem("\nanna:secret"), "line 2: holds no bcrypt hash");
        let line = user_line("anna", "x").expect("it can be hashed");
        assert_eq!(problem(&format!("{line}\n{line}")), "line 2: names a user again");
    }

    #[test]
    fn what_bcrypt_would_cut_or_a_line_cannot_hold_is_refused() {
        assert_eq!(user_line("anna", &"x".repeat(73)), Err(BadPassword::TooLong));
        assert_eq!(user_line("an:na", "x"), Err(BadPassword::Name));
        assert_eq!(user_line("", "x"), Err(BadPassword::Name));
    }
}
