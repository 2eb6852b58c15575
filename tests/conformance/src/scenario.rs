//! What a scenario is, and the list of them.

use crate::client::Client;
use std::future::Future;
use std::pin::Pin;

/// A claim and how to show it.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// The file it stands in.
    pub area: &'static str,
    /// The claim.
    pub name: &'static str,
    pub run: fn(Client) -> Running,
}

pub type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Scenario {
    pub const fn new(module: &'static str, name: &'static str, run: fn(Client) -> Running) -> Self {
        Scenario { area: last_segment(module), name, run }
    }

    /// `area/name`, under which it is found everywhere.
    pub fn id(&self) -> String {
        format!("{}/{}", self.area, self.name)
    }
}

const fn last_segment(path: &str) -> &str {
    let bytes = path.as_bytes();
    let mut at = bytes.len();
    while at > 0 && bytes[at - 1] != b':' {
        at -= 1;
    }
    path.split_at(at).1
}

/// The scenarios of a file, by the names of its functions. One that is not listed is dead code,
/// which the compiler tells.
#[macro_export]
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        pub const SCENARIOS: &[$crate::scenario::Scenario] = &[$(
            $crate::scenario::Scenario::new(module_path!(), stringify!($name), |client| {
                Box::pin($name(client))
            }),
        )*];
    };
}
