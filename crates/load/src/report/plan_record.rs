//! The plan as a report keeps it: every setting by its name, no secret.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";
/// A setting whose name holds one of these is a secret.
const SECRETS: &[&str] = &["password", "secret", "token", "credential", "sasl.jaas", "key.pem"];

/// Every setting of `plan` by its name.
///
/// Passwords in settings and in addresses are left out: people send reports to each other.
pub fn plan_record(plan: &impl Serialize) -> BTreeMap<String, Value> {
    match serde_json::to_value(plan) {
        Ok(Value::Object(settings)) => settings
            .into_iter()
            .map(|(name, value)| (name.clone(), without_secrets(&name, value)))
            .collect(),
        _ => BTreeMap::new(),
    }
}

fn without_secrets(name: &str, value: Value) -> Value {
    let lower = name.to_ascii_lowercase();
    match value {
        Value::Null => Value::Null,
        _ if SECRETS.iter().any(|secret| lower.contains(secret)) => Value::from(HIDDEN),
        Value::String(text) => Value::from(without_password(&text)),
        Value::Array(items) => items.into_iter().map(|item| without_secrets(name, item)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name.clone(), without_secrets(&name, value)))
            .collect(),
        other => other,
    }
}

/// `http://user:secret@host` without the password, anything else as it is.
pub(super) fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}:{HIDDEN}@{host}{path}")
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_holds_no_password() {
        let plan = json!({
            "registry": "http://ann:secret@registry:8081/apis",
            "registry_password": "secret",
            "properties": {"sasl.username": "ann", "sasl.password": "secret", "ssl.key.pem": "secret"},
            "headers": [{"token": "secret"}],
            "rate": 10,
        });
        let record = plan_record(&plan);
        assert!(!serde_json::to_string(&record).expect("it is JSON").contains("secret"));
        assert_eq!(record["registry"], "http://ann:(hidden)@registry:8081/apis");
        assert_eq!(record["properties"]["sasl.username"], "ann");
        assert_eq!(record["rate"], 10);
    }

    #[test]
    fn an_address_without_a_password_stays() {
        for text in ["http://127.0.0.1:8081", "http://host/a@b", "a@b:c", "rate"] {
            assert_eq!(without_password(text), text);
        }
    }
}
