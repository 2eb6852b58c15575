//! HTTP basic authentication: users in a file, their passwords as bcrypt hashes.
//!
//! bcrypt takes tens of milliseconds on purpose. Credentials that were right once are remembered, by
//! a keyed hash, so that only the first request of a client pays for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::RwLock;
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How much work a password costs: 2^10 rounds, about 50 ms.
const COST: u32 = 10;
/// bcrypt reads no further than this.
const PASSWORD_BYTES_MAX: usize = 72;
/// How many credentials are remembered before all are forgotten.
const REMEMBERED_MAX: usize = 4_096;
/// How many passwords are checked at once: guesses must not take all cores from everybody else.
const CHECKS_MAX: usize = 1;

/// Who may use the registry.
pub struct Users {
    hashes: HashMap<String, String>,
    /// Hash for names that nobody has, so that they take as long to refuse as a wrong password.
    nobody: String,
    keys: [RandomState; 2],
    right: RwLock<HashSet<u128>>,
    checks: Semaphore,
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
        for (index, line) in text.lines().enumerate() {
            let bad = |problem| BadUsers { line: index + 1, problem };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, hash) = line.split_once(':').ok_or(bad("is not name:hash"))?;
            if hash.parse::<bcrypt::HashParts>().is_err() {
                return Err(bad("holds no bcrypt hash"));
            }
            if hashes.insert(name.to_owned(), hash.to_owned()).is_some() {
                return Err(bad("names a user again"));
            }
        }
        let nobody =
            bcrypt::hash("", COST).map_err(|_| BadUsers { line: 0, problem: "no chance" })?;
        Ok(Users {
            hashes,
            nobody,
            keys: [RandomState::new(), RandomState::new()],
            right: RwLock::default(),
            checks: Semaphore::new(CHECKS_MAX),
        })
    }

    /// Whether the value of an Authorization header is a user's name and password.
    pub async fn allows(self: &Arc<Self>, authorization: Option<&[u8]>) -> bool {
        let Some(authorization) = authorization else { return false };
        let mark = self.mark(authorization);
        if self.right.read().contains(&mark) {
            return true;
        }
        let Some((name, password)) = credentials(authorization) else { return false };
        if password.len() > PASSWORD_BYTES_MAX {
            return false;
        }
        let _permit = self.checks.acquire().await.expect("the semaphore is never closed");
        // Whoever waited for the same credentials finds them checked.
        if self.right.read().contains(&mark) {
            return true;
        }
        let users = self.clone();
        let check = move || {
            let known = users.hashes.get(&name);
            let hash = known.unwrap_or(&users.nobody);
            bcrypt::verify(&password, hash).unwrap_or(false) && known.is_some()
        };
        let is_right = tokio::task::spawn_blocking(check).await.unwrap_or(false);
        if is_right {
            let mut right = self.right.write();
            if right.len() >= REMEMBERED_MAX {
                right.clear();
            }
            right.insert(mark);
        }
        is_right
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
        assert!(users.allows(Some(&basic("anna:s:cret"))).await);
        assert!(users.allows(Some(&basic("anna:s:cret"))).await, "as remembered");
        for pair in ["anna:wrong", "anna:", "bert:s:cret", "bert:", "anna"] {
            assert!(!users.allows(Some(&basic(pair))).await, "{pair}");
        }
        for header in [&b"Bearer x"[..], b"Basic", b"Basic ???", b"\xff"] {
            assert!(!users.allows(Some(header)).await);
        }
        assert!(!users.allows(None).await);
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
