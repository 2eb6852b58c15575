//! The guid of a schema: an MD5 over what it consists of, printed as a UUID.

use super::entity::SchemaEntity;
use super::metadata::{Metadata, Rule, RuleKind, RuleMode, RuleSet};
use md5::{Digest, Md5};
use std::fmt;
use std::str::FromStr;

/// Sixteen bytes that name a schema in every registry (Confluent's `MD5`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// The guid of a schema: over text, references, and metadata and rules each behind a byte 1
    /// that tells an empty one from none. The language does not count.
    pub fn of(schema: &SchemaEntity) -> Self {
        let mut md5 = Md5::new();
        md5.update(schema.text.as_bytes());
        for reference in &schema.references {
            md5.update(reference.name.as_bytes());
            md5.update(reference.subject.as_bytes());
            md5.update(reference.version.to_be_bytes());
        }
        if let Some(metadata) = &schema.metadata {
            md5.update([1]);
            hash_metadata(&mut md5, metadata);
        }
        if let Some(rule_set) = &schema.rule_set {
            md5.update([1]);
            hash_rule_set(&mut md5, rule_set);
        }
        Guid(md5.finalize().into())
    }
}

fn hash_metadata(md5: &mut Md5, metadata: &Metadata) {
    for (path, tags) in &metadata.tags {
        md5.update(path.as_bytes());
        tags.iter().for_each(|tag| md5.update(tag.as_bytes()));
    }
    for (name, value) in &metadata.properties {
        md5.update(name.as_bytes());
        md5.update(value.as_bytes());
    }
    metadata.sensitive.iter().for_each(|name| md5.update(name.as_bytes()));
}

fn hash_rule_set(md5: &mut Md5, rule_set: &RuleSet) {
    let rules = rule_set.migration_rules.iter().chain(&rule_set.domain_rules);
    rules.chain(&rule_set.encoding_rules).for_each(|rule| hash_rule(md5, rule));
}

fn hash_rule(md5: &mut Md5, rule: &Rule) {
    optional(md5, &rule.name);
    optional(md5, &rule.doc);
    md5.update(match rule.kind {
        RuleKind::Transform => "TRANSFORM",
        RuleKind::Condition => "CONDITION",
    });
    md5.update(match rule.mode {
        RuleMode::Upgrade => "UPGRADE",
        RuleMode::Downgrade => "DOWNGRADE",
        RuleMode::UpDown => "UPDOWN",
        RuleMode::Write => "WRITE",
        RuleMode::Read => "READ",
        RuleMode::WriteRead => "WRITEREAD",
    });
    optional(md5, &rule.rule_type);
    rule.tags.iter().for_each(|tag| md5.update(tag.as_bytes()));
    for (name, value) in &rule.params {
        md5.update(name.as_bytes());
        md5.update(value.as_bytes());
    }
    optional(md5, &rule.expr);
    optional(md5, &rule.on_success);
    optional(md5, &rule.on_failure);
    if rule.disabled {
        md5.update([1]);
    }
}

fn optional(md5: &mut Md5, text: &Option<String>) {
    md5.update(text.as_deref().unwrap_or_default().as_bytes());
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

/// Not a UUID, nor 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a guid")]
pub struct InvalidGuid;

impl FromStr for Guid {
    type Err = InvalidGuid;

    fn from_str(text: &str) -> Result<Self, InvalidGuid> {
        // The braces and prefixes that the parser would take are no guids.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let uuid = uuid::Uuid::try_parse(text).ok().filter(|_| is_plain).ok_or(InvalidGuid)?;
        Ok(Guid(uuid.into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::SchemaReference;
    use tidegate_schema::SchemaType;

    #[test]
    fn guids_are_those_of_confluent() {
        // MD5 of the text alone, as `md5sum` has it.
        let guid = SchemaEntity::of_text(SchemaType::Avro, "\"string\"").guid();
        assert_eq!(guid.to_string(), "095d71cf-1255-6b9d-5e33-0ad575b3df5d");
        assert_eq!(guid.to_string().parse(), Ok(guid));
        assert_eq!(guid.to_string().replace('-', "").parse(), Ok(guid));
        for text in ["", "x", "{095d71cf-1255-6b9d-5e33-0ad575b3df5d}"] {
            assert_eq!(text.parse::<Guid>(), Err(InvalidGuid), "{text}");
        }
        let with_empty = SchemaEntity {
            metadata: Some(Box::default()),
            ..SchemaEntity::of_text(SchemaType::Avro, "\"string\"")
        };
        assert_eq!(with_empty.guid().to_string(), "cecc02e2-232b-87f1-1b0c-aa0e70dbb74d");
        let plain = SchemaEntity::of_text(SchemaType::Avro, "\"string\"");
        let reference =
            SchemaReference { name: "r".to_owned(), subject: "s".to_owned(), version: 2 };
        // Name, subject and four bytes of version behind the text.
        let referring = SchemaEntity { references: vec![reference].into(), ..plain }.guid();
        assert_eq!(referring.to_string(), "3ea8b44b-c1bd-d440-0263-bf2366b8d84b");
    }
}
