//! Which quota a client comes under: Kafka's order of precedence (`DefaultQuotaCallback`).
//!
//! ```text
//! quota of               counted for
//! user and client-id     user and client-id
//! user, default client   user and client-id
//! user                   user
//! default user, client   user and client-id
//! both defaults          user and client-id
//! default user           user
//! client-id              client-id
//! default client         client-id
//! ```

use std::collections::HashMap;
use tidegate_machine::catalog::{CLIENT_ID, QuotaEntity, USER};

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender<'a> {
    /// The principal's name.
    pub user: &'a str,
    /// The client's name for itself, possibly empty.
    pub client_id: &'a str,
}

/// Those that share one count: everybody with that user, that client-id, or both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SensorKey {
    user: String,
    client_id: String,
}

/// Values by name, and one for all other names.
#[derive(Debug, Clone, PartialEq)]
struct Named<T> {
    names: HashMap<String, T>,
    default: Option<T>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named { names: HashMap::new(), default: None }
    }
}

impl<T> Named<T> {
    fn get(&self, name: &str) -> Option<&T> {
        self.names.get(name).or(self.default.as_ref())
    }
}

/// All quotas of one kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Limits {
    users: Named<f64>,
    clients: Named<f64>,
    pairs: Named<Named<f64>>,
    count: usize,
}

impl Limits {
    /// Adds the quota of users and clients; those of other entities are none of this.
    pub fn insert(&mut self, entity: &QuotaEntity, limit: f64) {
        let named = match (entity.name(USER), entity.name(CLIENT_ID)) {
            (None, None) => return,
            (Some(user), None) => (&mut self.users, user),
            (None, Some(client_id)) => (&mut self.clients, client_id),
            (Some(user), Some(client_id)) => {
                let clients = match user {
                    Some(user) => self.pairs.names.entry(user.to_owned()).or_default(),
                    None => self.pairs.default.get_or_insert_default(),
                };
                (clients, client_id)
            }
        };
        match named {
            (limits, Some(name)) => drop(limits.names.insert(name.to_owned(), limit)),
            (limits, None) => limits.default = Some(limit),
        }
        self.count += 1;
    }

    /// True if nobody has a quota of this kind.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The sender's quota and with whom it is shared; `None` if it has none.
    pub fn find(&self, sender: Sender<'_>) -> Option<(SensorKey, f64)> {
        let Sender { user, client_id } = sender;
        let pair = |clients: &Named<f64>| Some((key(user, client_id), *clients.get(client_id)?));
        // Kafka never finds the quota of a pair for a client without a name, but what it looks for
        // next is the user's quota and not the client's.
        let of_user = |limit: &f64| (key(user, ""), *limit);
        if let Some(own) = self.pairs.names.get(user)
            && own.get(client_id).is_some()
        {
            return if client_id.is_empty() {
                self.users.get(user).map(of_user)
            } else {
                pair(own)
            };
        }
        if let Some(limit) = self.users.names.get(user) {
            return Some(of_user(limit));
        }
        if let Some(others) = &self.pairs.default
            && others.get(client_id).is_some()
        {
            let users = &self.users;
            return if client_id.is_empty() { users.get(user).map(of_user) } else { pair(others) };
        }
        if let Some(limit) = &self.users.default {
            return Some(of_user(limit));
        }
        if client_id.is_empty() {
            return None;
        }
        self.clients.get(client_id).map(|limit| (key("", client_id), *limit))
    }
}

fn key(user: &str, client_id: &str) -> SensorKey {
    SensorKey { user: user.to_owned(), client_id: client_id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Sender<'_> = Sender { user: "u", client_id: "c" };

    /// A part of an entity: not there, the default, or a name.
    type Part = Option<Option<&'static str>>;

    /// The eight levels, from the most specific one; the limit is the level's number.
    const LEVELS: [(Part, Part); 8] = [
        (Some(Some("u")), Some(Some("c"))),
        (Some(Some("u")), Some(None)),
        (Some(Some("u")), None),
        (Some(None), Some(Some("c"))),
        (Some(None), Some(None)),
        (Some(None), None),
        (None, Some(Some("c"))),
        (None, Some(None)),
    ];

    fn limits(levels: impl IntoIterator<Item = usize>) -> Limits {
        let mut limits = Limits::default();
        for level in levels {
            let (user, client_id) = LEVELS[level - 1];
            let user = user.map(|name| (USER.to_owned(), name.map(str::to_owned)));
            let client_id = client_id.map(|name| (CLIENT_ID.to_owned(), name.map(str::to_owned)));
            limits.insert(&QuotaEntity::new(user.into_iter().chain(client_id)), level as f64);
        }
        limits
    }

    #[test]
    fn the_most_specific_quota_counts() {
        let shared = ["u:c", "u:c", "u:", "u:c", "u:c", "u:", ":c", ":c"];
        for level in 1..=8 {
            let (key, limit) = limits(level..=8).find(ME).expect("there is one");
            assert_eq!(limit, level as f64);
            assert_eq!(format!("{}:{}", key.user, key.client_id), shared[level - 1]);
        }
        assert_eq!(limits([]).find(ME), None);
    }

    #[test]
    fn a_quota_of_others_is_none_of_mine() {
        for level in [1, 2, 3, 4, 7] {
            let stranger = Sender { user: "v", client_id: "d" };
            assert_eq!(limits([level]).find(stranger), None, "level {level}");
        }
        let other_client = Sender { user: "u", client_id: "d" };
        assert_eq!(limits([1, 3]).find(other_client).expect("the user's").1, 3.0);
    }

    #[test]
    fn a_client_without_a_name_has_only_its_users_quota() {
        let nameless = Sender { user: "u", client_id: "" };
        for (levels, expected) in [
            (vec![8], None),
            (vec![5], None),
            (vec![2], None),
            (vec![2, 3], Some(3.0)),
            (vec![5, 6], Some(6.0)),
        ] {
            let found = limits(levels.clone()).find(nameless).map(|(_, limit)| limit);
            assert_eq!(found, expected, "{levels:?}");
        }
    }

    #[test]
    fn quotas_of_addresses_are_none_of_clients() {
        let mut limits = Limits::default();
        limits.insert(&QuotaEntity::new([("ip".to_owned(), None)]), 1.0);
        assert!(limits.is_empty());
    }
}
