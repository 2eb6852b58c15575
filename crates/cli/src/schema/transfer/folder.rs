//! Contents as a folder: one file for each version, as its language has files, and `index.json` with
//! all that is not in the texts.
//!
//! The index names the files, so that names of subjects that no file could have are no matter. It is
//! written last: a folder without one is not whole.

use super::contents::{Contents, Stored, Subject};
use crate::failure::Failure;
use crate::schema::registry::{Schema, SchemaReference};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tidegate_schema::SchemaType;

const INDEX: &str = "index.json";
/// The index of an export that is being written, or was interrupted. It can be written again.
const PARTIAL: &str = "index.json.partial";
const FORMAT: &str = "tidegate-schemas-1";

/// The longest name of a file without its end; file systems take 255 bytes.
const STEM_BYTES_MAX: usize = 200;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    subjects: Vec<IndexedSubject>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexedSubject {
    subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(default)]
    versions: Vec<IndexedVersion>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexedVersion {
    version: i32,
    id: i32,
    schema_type: String,
    file: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    references: Vec<SchemaReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule_set: Option<Value>,
}

/// Refuses a folder that [`write`] would refuse.
pub fn check(folder: &Path) -> Result<(), Failure> {
    match folder.exists() {
        true => old_files(folder).map(drop),
        false => Ok(()),
    }
}

/// Writes contents to a folder that is new, empty, or holds an export already, which is replaced.
pub fn write(folder: &Path, contents: &Contents) -> Result<(), Failure> {
    let wrong = |path: &Path, error: std::io::Error| {
        Failure::Failed(format!("{}: {error}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| wrong(folder, error))?;
    let old = old_files(folder)?;
    // A folder that is not whole must not look like one.
    let (index_path, partial) = (folder.join(INDEX), folder.join(PARTIAL));
    match index_path.exists() {
        true => std::fs::rename(&index_path, &partial),
        false => std::fs::write(&partial, ""),
    }
    .map_err(|error| wrong(&partial, error))?;
    let mut taken = BTreeSet::new();
    let mut subjects = Vec::new();
    for (name, subject) in &contents.subjects {
        let mut versions = Vec::new();
        for (version, stored) in &subject.versions {
            let file = file_name(name, *version, &stored.schema.kind, &mut taken);
            let path = folder.join(&file);
            std::fs::write(&path, &stored.schema.text).map_err(|error| wrong(&path, error))?;
            versions.push(IndexedVersion {
                version: *version,
                id: stored.id,
                schema_type: stored.schema.kind.clone(),
                file,
                deleted: stored.deleted,
                references: stored.schema.references.clone(),
                metadata: stored.schema.metadata.clone(),
                rule_set: stored.schema.rule_set.clone(),
            });
        }
        let (config, mode) = (subject.config.clone(), subject.mode.clone());
        subjects.push(IndexedSubject { subject: name.clone(), config, mode, versions });
    }
    for file in old.iter().filter(|file| !taken.contains(&file.to_lowercase())) {
        let path = folder.join(file);
        std::fs::remove_file(&path).map_err(|error| wrong(&path, error))?;
    }
    let (config, mode) = (contents.config.clone(), contents.mode.clone());
    let index = Index { format: FORMAT.to_owned(), config, mode, subjects };
    let text = serde_json::to_string_pretty(&index).expect("it has text keys only") + "\n";
    std::fs::write(&partial, text).map_err(|error| wrong(&partial, error))?;
    std::fs::rename(&partial, &index_path).map_err(|error| wrong(&index_path, error))
}

/// The files of the export that is in the folder already. Other files than an export's are not for us
/// to mix with.
fn old_files(folder: &Path) -> Result<Vec<String>, Failure> {
    if folder.join(INDEX).exists() {
        let index = read_index(folder)?;
        let versions = index.subjects.into_iter().flat_map(|subject| subject.versions);
        let files: Vec<String> = versions.map(|version| version.file).collect();
        return Ok(files.into_iter().filter(|file| folder.join(file).exists()).collect());
    }
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))?;
    match entries.count() {
        _ if folder.join(PARTIAL).exists() => Ok(Vec::new()),
        0 => Ok(Vec::new()),
        _ => Err(Failure::Usage(format!(
            "{} is neither empty nor an export of schemas",
            folder.display()
        ))),
    }
}

/// Reads a folder that [`write`] has written.
pub fn read(folder: &Path) -> Result<Contents, Failure> {
    let index = read_index(folder)?;
    let mut subjects = BTreeMap::new();
    for IndexedSubject { subject, config, mode, versions } in index.subjects {
        let mut read = Subject { config, mode, versions: BTreeMap::new() };
        for version in versions {
            let path = folder.join(&version.file);
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
            let schema = Schema {
                kind: version.schema_type,
                text,
                references: version.references,
                metadata: version.metadata,
                rule_set: version.rule_set,
            };
            let stored = Stored { id: version.id, deleted: version.deleted, schema };
            read.versions.insert(version.version, stored);
        }
        subjects.insert(subject, read);
    }
    Ok(Contents { config: index.config, mode: index.mode, subjects })
}

fn read_index(folder: &Path) -> Result<Index, Failure> {
    let path = folder.join(INDEX);
    let wrong = |problem: String| Failure::Usage(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let index: Index = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if index.format != FORMAT {
        return Err(wrong(format!("its format is {:?}, and {FORMAT:?} is read", index.format)));
    }
    let mut files = index.subjects.iter().flat_map(|subject| &subject.versions);
    // An index from elsewhere must not make us read, or later remove, what is not beside it.
    let elsewhere = |file: &str| file.is_empty() || file.contains(['/', '\\']) || file == "..";
    match files.find(|version| elsewhere(&version.file)) {
        Some(version) => Err(wrong(format!("{:?} is no file beside it", version.file))),
        None => Ok(index),
    }
}

/// A name that every file system takes and no other version has, whatever the case of its letters.
fn file_name(subject: &str, version: i32, kind: &str, taken: &mut BTreeSet<String>) -> String {
    let mut stem = String::new();
    for byte in subject.bytes() {
        let kept = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let leading_dot = stem.is_empty() && byte == b'.';
        match kept && !leading_dot {
            true => stem.push(char::from(byte)),
            false => stem += &format!("%{byte:02X}"),
        }
    }
    stem.truncate(STEM_BYTES_MAX);
    let extension = match SchemaType::of(kind) {
        Some(SchemaType::Avro) => "avsc",
        Some(SchemaType::Json) => "json",
        Some(SchemaType::Protobuf) => "proto",
        None => "txt",
    };
    let mut name = format!("{stem}.v{version}.{extension}");
    let mut another = 2;
    while !taken.insert(name.to_lowercase()) {
        name = format!("{stem}~{another}.v{version}.{extension}");
        another += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stored(id: i32, kind: &str, text: &str) -> Stored {
        let schema = Schema {
            kind: kind.to_owned(),
            text: text.to_owned(),
            references: Vec::new(),
            metadata: None,
            rule_set: None,
        };
        Stored { id, deleted: false, schema }
    }

    fn scratch(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("{name}-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).expect("temporary folders can be made");
        folder
    }

    fn contents() -> Contents {
        let mut contents = Contents { mode: Some("READWRITE".to_owned()), ..Contents::default() };
        let orders = contents.subject("orders-value");
        orders.config = Some(json!({"compatibilityLevel": "FULL"}));
        orders.versions.insert(1, Stored { deleted: true, ..stored(1, "AVRO", "\"int\"") });
        let mut second = stored(2, "AVRO", "{\"type\":\"int\",\"x\":1.10}");
        let (name, subject) = ("n".to_owned(), "a/b.proto".to_owned());
        second.schema.references = vec![SchemaReference { name, subject, version: 1 }];
        second.schema.rule_set = Some(json!({"domainRules": []}));
        contents.subject("orders-value").versions.insert(2, second);
        contents.subject("a/b.proto").versions.insert(1, stored(3, "PROTOBUF", "syntax = \"\";\n"));
        contents.subject("A/b.proto").versions.insert(1, stored(4, "PROTOBUF", "// other"));
        contents.subject(":.ctx:").mode = Some("IMPORT".to_owned());
        contents
    }

    #[test]
    fn a_folder_is_read_back_as_it_was_written_and_replaced_as_a_whole() {
        let folder = scratch("schemas");
        let mut contents = contents();
        write(&folder, &contents).expect("it can be written");
        assert_eq!(read(&folder).expect("it is whole"), contents);
        let text = std::fs::read_to_string(folder.join("orders-value.v2.avsc")).expect("a file");
        assert_eq!(text, "{\"type\":\"int\",\"x\":1.10}");
        contents.subjects.remove("orders-value");
        write(&folder, &contents).expect("it can be replaced");
        assert_eq!(read(&folder).expect("it is whole"), contents);
        assert!(!folder.join("orders-value.v2.avsc").exists());
        std::fs::rename(folder.join(INDEX), folder.join(PARTIAL)).expect("as if interrupted");
        assert!(read(&folder).is_err());
        write(&folder, &contents).expect("an interrupted export can be written again");
        assert_eq!(read(&folder).expect("it is whole"), contents);
        std::fs::remove_dir_all(folder).expect("it is ours");
    }

    #[test]
    fn a_folder_with_other_things_in_it_is_left_alone() {
        let folder = scratch("others");
        std::fs::write(folder.join("mine"), "").expect("it can be written");
        assert!(matches!(write(&folder, &contents()), Err(Failure::Usage(_))));
        assert!(matches!(read(&folder), Err(Failure::Usage(_))));
        std::fs::remove_dir_all(folder).expect("it is ours");
    }

    #[test]
    fn an_index_names_only_files_beside_it() {
        let folder = scratch("hostile");
        for file in ["../secret", "/etc/passwd", "..", ""] {
            let version = json!({"version": 1, "id": 1, "schemaType": "AVRO", "file": file});
            let subject = json!({"subject": "a", "versions": [version]});
            let index = json!({"format": FORMAT, "subjects": [subject]});
            std::fs::write(folder.join(INDEX), index.to_string()).expect("it can be written");
            assert!(matches!(read(&folder), Err(Failure::Usage(_))), "{file}");
            assert!(matches!(write(&folder, &contents()), Err(Failure::Usage(_))), "{file}");
        }
        std::fs::remove_dir_all(folder).expect("it is ours");
    }

    #[test]
    fn names_of_files_are_short_distinct_and_plain() {
        let mut taken = BTreeSet::new();
        let mut name = |subject: &str| file_name(subject, 1, "JSON", &mut taken);
        assert_eq!(name("a/b"), "a%2Fb.v1.json");
        assert_eq!(name("A/b"), "A%2Fb~2.v1.json");
        assert_eq!(name(".hidden"), "%2Ehidden.v1.json");
        assert!(name(&"ü".repeat(500)).len() < 220);
        assert_ne!(name(&"x".repeat(500)), name(&format!("{}y", "x".repeat(499))));
    }
}
