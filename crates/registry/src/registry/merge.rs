//! Metadata and rules of a new schema: what it says, what the version before said, and what the
//! config puts under and over both.

use std::collections::{BTreeMap, BTreeSet};
use tidegate_machine::schema::{Metadata, Rule, RuleSet, SchemaEntity, SubjectConfig};

/// The property that tells the version a schema was registered as.
pub const CONFLUENT_VERSION: &str = "confluent:version";

/// Gives `entity` its metadata and rules. `new_version` is the version it would get, `None` where
/// nothing is registered; `version` is the one that was asked for, 0 for none. Returns whether it has
/// any afterwards (Confluent's `maybeSetMetadataRuleSet`).
pub fn populate(
    entity: &mut SchemaEntity,
    config: &SubjectConfig,
    previous: Option<&SchemaEntity>,
    new_version: Option<i32>,
    version: i32,
) -> bool {
    let own = entity.metadata.take().or_else(|| previous.and_then(|old| old.metadata.clone()));
    let metadata = metadata(config.default_metadata.clone(), own.map(|own| *own));
    let mut metadata = self::metadata(metadata, config.override_metadata.clone());
    let own = entity.rule_set.take().or_else(|| previous.and_then(|old| old.rule_set.clone()));
    let rules = rule_sets(config.default_rule_set.clone(), own.map(|own| *own));
    let rules = rule_sets(rules, config.override_rule_set.clone());
    if let Some(new_version) = new_version
        && (version != 0 || metadata.as_ref().is_some_and(has_version))
    {
        set_version(metadata.get_or_insert_default(), new_version);
    }
    entity.metadata = metadata.map(Box::new);
    entity.rule_set = rules.map(Box::new);
    entity.metadata.is_some() || entity.rule_set.is_some()
}

/// Whether the metadata tells a version.
fn has_version(metadata: &Metadata) -> bool {
    metadata.properties.contains_key(CONFLUENT_VERSION)
}

/// Lets the metadata tell that version.
pub fn set_version(metadata: &mut Metadata, version: i32) {
    metadata.properties.insert(CONFLUENT_VERSION.to_owned(), version.to_string());
}

/// The same schema without the version in its metadata; `None` if none is in it.
pub fn without_version(entity: &SchemaEntity) -> Option<SchemaEntity> {
    let metadata = entity.metadata.as_ref().filter(|metadata| has_version(metadata))?;
    let mut metadata = metadata.clone();
    metadata.properties.remove(CONFLUENT_VERSION);
    Some(SchemaEntity { metadata: Some(metadata), ..entity.clone() })
}

fn metadata(under: Option<Metadata>, over: Option<Metadata>) -> Option<Metadata> {
    match (under, over) {
        (Some(mut under), Some(Metadata { tags, properties, sensitive })) => {
            merge_tags(&mut under.tags, tags);
            under.properties.extend(properties);
            under.sensitive.extend(sensitive);
            Some(under)
        }
        (under, over) => under.or(over),
    }
}

fn merge_tags(
    under: &mut BTreeMap<String, BTreeSet<String>>,
    over: BTreeMap<String, BTreeSet<String>>,
) {
    for (path, tags) in over {
        under.entry(path).or_default().extend(tags);
    }
}

/// Rules of both; of two with the same name, the one of `over`.
pub fn rule_sets(under: Option<RuleSet>, over: Option<RuleSet>) -> Option<RuleSet> {
    match (under, over) {
        (Some(under), Some(over)) => Some(RuleSet {
            migration_rules: rules(under.migration_rules, over.migration_rules),
            domain_rules: rules(under.domain_rules, over.domain_rules),
            encoding_rules: rules(under.encoding_rules, over.encoding_rules),
            enable_at: over.enable_at.or(under.enable_at),
        }),
        (under, over) => under.or(over),
    }
}

fn rules(mut under: Vec<Rule>, over: Vec<Rule>) -> Vec<Rule> {
    under.retain(|old| !over.iter().any(|new| new.name == old.name));
    under.extend(over);
    under
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_schema::SchemaType;

    fn meta(pairs: &[(&str, &str)]) -> Metadata {
        let properties = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Metadata { properties: properties.collect(), ..Metadata::default() }
    }

    fn entity(metadata: Option<Metadata>) -> SchemaEntity {
        SchemaEntity {
            metadata: metadata.map(Box::new),
            ..SchemaEntity::of_text(SchemaType::Avro, "\"int\"")
        }
    }

    fn rule(name: &str, doc: &str) -> Rule {
        Rule { name: Some(name.to_owned()), doc: Some(doc.to_owned()), ..Rule::default() }
    }

    #[test]
    fn overrides_beat_the_schema_and_the_schema_beats_defaults() {
        let config = SubjectConfig {
            default_metadata: Some(meta(&[("a", "default"), ("b", "default"), ("c", "default")])),
            override_metadata: Some(meta(&[("c", "override")])),
            ..SubjectConfig::default()
        };
        let mut schema = entity(Some(meta(&[("b", "own"), ("c", "own")])));
        assert!(populate(&mut schema, &config, None, Some(1), 0));
        let expected = meta(&[("a", "default"), ("b", "own"), ("c", "override")]);
        assert_eq!(schema.metadata.as_deref(), Some(&expected));
    }

    #[test]
    fn a_schema_without_metadata_has_that_of_the_version_before() {
        let previous = entity(Some(meta(&[("a", "old"), (CONFLUENT_VERSION, "1")])));
        let mut schema = entity(None);
        populate(&mut schema, &SubjectConfig::default(), Some(&previous), Some(2), 0);
        let expected = meta(&[("a", "old"), (CONFLUENT_VERSION, "2")]);
        assert_eq!(schema.metadata.as_deref(), Some(&expected), "and tells its own version");
        let mut schema = entity(Some(meta(&[])));
        populate(&mut schema, &SubjectConfig::default(), Some(&previous), Some(2), 0);
        assert_eq!(schema.metadata.as_deref(), Some(&meta(&[])), "empty metadata is metadata");
    }

    #[test]
    fn a_version_that_is_asked_for_is_told_in_the_metadata() {
        let mut schema = entity(None);
        assert!(populate(&mut schema, &SubjectConfig::default(), None, Some(7), -1));
        assert_eq!(schema.metadata.as_deref(), Some(&meta(&[(CONFLUENT_VERSION, "7")])));
        let without = without_version(&schema).expect("it tells one");
        assert_eq!(without.metadata.as_deref(), Some(&meta(&[])));
        let mut schema = entity(None);
        assert!(!populate(&mut schema, &SubjectConfig::default(), None, Some(7), 0));
        assert_eq!(schema.metadata, None);
    }

    #[test]
    fn rules_of_the_same_name_are_replaced_and_the_rest_kept() {
        let set = |rules| Some(RuleSet { domain_rules: rules, ..RuleSet::default() });
        let merged = rule_sets(
            set(vec![rule("a", "old"), rule("b", "old")]),
            set(vec![rule("a", "new"), rule("c", "new")]),
        );
        assert_eq!(merged, set(vec![rule("b", "old"), rule("a", "new"), rule("c", "new")]));
        assert_eq!(rule_sets(None, set(vec![])), set(vec![]));
    }
}
