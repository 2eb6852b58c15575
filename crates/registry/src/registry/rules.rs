//! Whether a rule set says what it may say. Rules are kept and handed to clients; they run there.

use std::collections::HashSet;
use tidegate_machine::schema::{Rule, RuleMode, RuleSet};

const NAME_LENGTH_MAX: usize = 64;

/// The first contradiction in `rules`, in Confluent's words.
pub fn check(rules: &RuleSet) -> Result<(), String> {
    let mut names = HashSet::new();
    let problem = "Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN";
    check_part(&rules.migration_rules, &mut names, |mode| !is_on_data(mode), problem)?;
    let problem = "Domain rules can only be WRITE, READ, WRITEREAD";
    check_part(&rules.domain_rules, &mut names, is_on_data, problem)?;
    let problem = "Encoding rules can only be WRITE, READ, WRITEREAD";
    check_part(&rules.encoding_rules, &mut names, is_on_data, problem)
}

fn check_part<'a>(
    rules: &'a [Rule],
    names: &mut HashSet<Option<&'a str>>,
    fits: impl Fn(RuleMode) -> bool,
    problem: &str,
) -> Result<(), String> {
    for rule in rules {
        let name = rule.name.as_deref();
        if !names.insert(name) {
            return Err(format!("Found rule with duplicate name '{}'", name.unwrap_or("null")));
        }
        check_rule(rule)?;
        if !fits(rule.mode) {
            return Err(problem.to_owned());
        }
    }
    Ok(())
}

/// The other modes are about going from one version to another.
fn is_on_data(mode: RuleMode) -> bool {
    matches!(mode, RuleMode::Write | RuleMode::Read | RuleMode::WriteRead)
}

fn check_rule(rule: &Rule) -> Result<(), String> {
    check_name(rule.name.as_deref().ok_or("Missing rule name")?)?;
    if rule.rule_type.is_none() {
        return Err("Missing rule type".to_owned());
    }
    let takes_two = matches!(rule.mode, RuleMode::WriteRead | RuleMode::UpDown);
    let has_two =
        |action: &Option<String>| action.as_ref().is_some_and(|action| action.contains(','));
    if !takes_two && (has_two(&rule.on_success) || has_two(&rule.on_failure)) {
        return Err("Multiple actions only valid with WRITEREAD and UPDOWN".to_owned());
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), String> {
    let mut letters = name.chars();
    let Some(first) = letters.next() else { return Err("Empty rule name".to_owned()) };
    if name.encode_utf16().count() > NAME_LENGTH_MAX {
        return Err("Rule name too long".to_owned());
    }
    if !(first.is_alphabetic() || first == '_') {
        return Err(format!("Illegal initial character in rule name: {name}"));
    }
    if !letters.all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-') {
        return Err(format!("Illegal character in rule name: {name}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(domain: &[&str], migration: &[&str]) -> Result<(), String> {
        let rules = |texts: &[&str]| {
            let rule = |text: &&str| serde_json::from_str(text).expect("it is a rule");
            texts.iter().map(rule).collect()
        };
        let (domain_rules, migration_rules) = (rules(domain), rules(migration));
        check(&RuleSet { domain_rules, migration_rules, ..RuleSet::default() })
    }

    #[test]
    fn each_contradiction_is_told_in_confluents_words() {
        let err = |text: &str| Err(text.to_owned());
        assert_eq!(problem(&[r#"{"name":"a-1","type":"CEL"}"#], &[]), Ok(()));
        assert_eq!(problem(&["{}"], &[]), err("Missing rule name"));
        assert_eq!(problem(&[r#"{"name":""}"#], &[]), err("Empty rule name"));
        assert_eq!(
            problem(&[r#"{"name":"1a"}"#], &[]),
            err("Illegal initial character in rule name: 1a")
        );
        assert_eq!(
            problem(&[r#"{"name":"a b"}"#], &[]),
            err("Illegal character in rule name: a b")
        );
        assert_eq!(problem(&[r#"{"name":"a"}"#], &[]), err("Missing rule type"));
        let long = format!(r#"{{"name":"{}"}}"#, "a".repeat(65));
        assert_eq!(problem(&[&long], &[]), err("Rule name too long"));
        let a = r#"{"name":"a","type":"CEL"}"#;
        assert_eq!(problem(&[a, a], &[]), err("Found rule with duplicate name 'a'"));
        assert_eq!(
            problem(&[], &[a]),
            err("Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN")
        );
        assert_eq!(
            problem(&[r#"{"name":"a","type":"CEL","mode":"UPGRADE"}"#], &[]),
            err("Domain rules can only be WRITE, READ, WRITEREAD")
        );
        assert_eq!(
            problem(&[r#"{"name":"a","type":"CEL","mode":"READ","onFailure":"x,y"}"#], &[]),
            err("Multiple actions only valid with WRITEREAD and UPDOWN")
        );
    }
}
