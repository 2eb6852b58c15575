//! The command line of `tidegate schema`.

use crate::failure::Failure;
use crate::schema::registry::{SchemaReference, VersionSpec};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Commands on schemas, which work on any registry that speaks Confluent's REST interface.
#[derive(Subcommand, Debug)]
pub enum SchemaCommand {
    /// Print the subjects with their versions, ids and types
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  \
                      tidegate schema list\n  \
                      tidegate schema list orders- --deleted --json"
    )]
    List {
        /// Only subjects whose names begin with this
        prefix: Option<String>,
        /// Also what is deleted and not yet gone for good
        #[arg(long)]
        deleted: bool,
        /// Where and how.
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Print a schema
    Get(GetArgs),
    /// Register schemas, those first that others of them refer to
    Register(RegisterArgs),
    /// Check whether a schema is compatible; the exit code is 1 if it is not
    Check(CheckArgs),
    /// Show how two versions differ, or a version and a file, and which of them can read the other
    Diff(DiffArgs),
    /// Get, set and delete configs: compatibility levels and more
    #[command(subcommand)]
    Config(SchemaConfigCommand),
    /// Get, set and delete modes: READWRITE, READONLY, IMPORT
    #[command(subcommand)]
    Mode(SchemaModeCommand),
    /// Write all that a registry keeps to a folder or a dump
    Export(ExportArgs),
    /// Bring what was exported into a registry, with its ids if the registry allows
    Import(ImportArgs),
    /// Delete subjects or versions of them, softly unless --permanent
    #[command(
        visible_alias = "rm",
        after_help = "Examples:\n  \
                      tidegate schema delete orders-value\n  \
                      tidegate schema delete orders-value --version 3 --permanent"
    )]
    Delete {
        /// The subjects
        #[arg(required = true)]
        subjects: Vec<String>,
        /// Only this version, or latest; may be repeated
        #[arg(long, short, value_name = "N|latest")]
        version: Vec<VersionSpec>,
        /// For good: afterwards nobody can read what was written with it
        #[arg(long)]
        permanent: bool,
        /// Where and how.
        #[command(flatten)]
        registry: RegistryArgs,
    },
}

/// Commands on the configs of a registry.
#[derive(Subcommand, Debug)]
pub enum SchemaConfigCommand {
    /// Print the config of a subject, or the global one
    Get {
        /// The subject; without it the global config
        #[arg(long, short, value_name = "SUBJECT")]
        subject: Option<String>,
        /// What is in force for the subject, whether it is its own or the global one
        #[arg(long, requires = "subject")]
        effective: bool,
        /// Where and how.
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Change the config of a subject, or the global one
    #[command(after_help = "Examples:\n  \
                      tidegate schema config set FULL_TRANSITIVE\n  \
                      tidegate schema config set compatibility=NONE normalize=true --subject orders-value\n  \
                      tidegate schema config set defaultRuleSet=@rules.json alias= --subject orders-value\n\n\
                      A value of @FILE is JSON from that file; an empty value unsets.")]
    Set {
        /// What to set: compatibility (also as a level alone), compatibilityPolicy,
        /// compatibilityGroup, normalize, alias, validateFields, validateNewSchemas, validateRules,
        /// defaultMetadata, overrideMetadata, defaultRuleSet, overrideRuleSet
        #[arg(required = true, value_name = "LEVEL|NAME=VALUE")]
        settings: Vec<String>,
        /// The subject; without it the global config
        #[arg(long, short, value_name = "SUBJECT")]
        subject: Option<String>,
        /// Where and how.
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Take the config of a subject away, or set the global one back to its default
    #[command(visible_alias = "rm")]
    Delete {
        /// The subject; without it the global config
        #[arg(long, short, value_name = "SUBJECT")]
        subject: Option<String>,
        /// Where and how.
        #[command(flatten)]
        registry: RegistryArgs,
    },
}

/// Commands on the modes of a registry.
#[derive(Subcommand, Debug)]
pub enum SchemaModeCommand {
    /// Print the mode of a subject, or the global one
    Get {
        /// The subject; without it the global mode
        #[arg(long, short, value_name = "SUBJECT")]
        subject: Option<String>,
        /// What is in force for the subject, whether it is its own or the global one
        #[arg(long, requires = "subject")]
        effective: bool,
        /// Where and how.
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Set the mode of a subject, or the global one
    #[command(after_help = "Examples:\n  \
                            tidegate schema mode set READONLY\n  \
                            tidegate schema mode set IMPORT --subject orders-value --force")]
    Set {
        /// READWRITE, READONLY, READONLY_OVERRIDE, IMPORT, or FORWARD
        #[arg(value_name = "MODE")]
        mode: String,
        /// The subject; without it the global mode
        #[arg(long, short, value_name = "SUBJECT")]
        subject: Option<String>,
        /// Set IMPORT although there are schemas
        #[arg(long)]
        force: bool,
        /// Where and how.
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Take the mode of a subject away, or set the global one back to its default
    #[command(visible_alias = "rm")]
    Delete {
        /// The subject; without it the global mode
        #[arg(long, short, value_name = "SUBJECT")]
        subject: Option<String>,
        /// Where and how.
        #[command(flatten)]
        registry: RegistryArgs,
    },
}

/// The arguments of `schema diff`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
                  tidegate schema diff orders-value\n  \
                  tidegate schema diff orders-value 1 3\n  \
                  tidegate schema diff orders-value latest order.avsc\n\n\
                  Without versions it compares the last two, with one it compares that with the latest. \
                  JSON is indented before it is compared. A file is read with the references of the \
                  older version.")]
pub struct DiffArgs {
    /// The subject
    pub subject: String,
    /// The older version
    #[arg(value_name = "N|latest")]
    pub old: Option<VersionSpec>,
    /// The newer version, or a file; - for standard input
    #[arg(value_name = "N|latest|FILE", requires = "old")]
    pub new: Option<String>,
    /// AVRO, JSON or PROTOBUF, if the name of the file does not tell (.avsc, .json, .proto)
    #[arg(long, value_name = "TYPE")]
    pub r#type: Option<String>,
    /// How many equal lines to show around those that differ
    #[arg(long, short = 'U', value_name = "LINES", default_value_t = 3)]
    pub unified: usize,
    /// Where and how.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// The arguments of `schema export`.
#[derive(Args, Debug)]
#[command(
    group = clap::ArgGroup::new("to").required(true).args(["folder", "dump"]),
    after_help = "Examples:\n  \
                  tidegate schema export --folder ./schemas\n  \
                  tidegate schema export --dump schemas.jsonl --prefix orders-\n  \
                  tidegate schema export --dump schemas.jsonl --bootstrap 127.0.0.1:9092\n\n\
                  A folder has a file for each version and an index.json with ids, references, configs, \
                  modes and what is deleted. A dump has a line for each record of _schemas. Both can be \
                  imported into any registry."
)]
pub struct ExportArgs {
    /// To this folder; an export that is there already is replaced
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// To this file, as records of _schemas; - for standard output
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
    /// Only subjects whose names begin with this
    #[arg(long)]
    pub prefix: Option<String>,
    /// Read the topic of this Kafka cluster, and ask no registry
    #[arg(long, short = 'b', value_name = "HOST:PORT", conflicts_with = "prefix")]
    pub bootstrap: Option<String>,
    /// The topic that --bootstrap reads
    #[arg(long, value_name = "TOPIC", default_value = "_schemas", requires = "bootstrap")]
    pub topic: String,
    /// Where and how.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// The arguments of `schema import`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
                        tidegate schema import ./schemas --url http://other:8081\n  \
                        tidegate schema import schemas.jsonl --keep-ids\n\n\
                        Subjects are in mode IMPORT while their versions come, so that these keep their \
                        ids and numbers. A registry without that mode chooses them itself, and what \
                        changed is told. An import that was interrupted can be run again.")]
pub struct ImportArgs {
    /// A folder or a dump that export has written, or what kafka-console-consumer prints of _schemas
    /// with print.key=true; - for a dump from standard input
    pub from: PathBuf,
    /// Fail rather than let the registry choose ids
    #[arg(long)]
    pub keep_ids: bool,
    /// Leave the global config and the global mode as they are
    #[arg(long)]
    pub subjects_only: bool,
    /// Only tell what would be registered, and what is in the way
    #[arg(long)]
    pub validate_only: bool,
    /// Where and how.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// What every command that talks to a registry takes.
#[derive(Args, Debug, Clone)]
pub struct RegistryArgs {
    /// The registry, or a context of it (http://HOST:PORT/contexts/.NAME); several addresses of one,
    /// separated by commas, are tried in turn
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8081",
        env = "TIDEGATE_REGISTRY_URL"
    )]
    pub url: String,
    /// Who asks, with a password (HTTP basic authentication)
    #[arg(
        long,
        value_name = "NAME:PASSWORD",
        env = "TIDEGATE_REGISTRY_USER",
        hide_env_values = true,
        conflicts_with = "user_file"
    )]
    pub user: Option<String>,
    /// A file whose first line is NAME:PASSWORD
    #[arg(long, value_name = "FILE", env = "TIDEGATE_REGISTRY_CREDENTIALS_FILE")]
    pub user_file: Option<PathBuf>,
    /// Trust these certificates (PEM) of https, and not those that the system trusts
    #[arg(long, value_name = "FILE", env = "TIDEGATE_REGISTRY_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// Print JSON in place of text
    #[arg(long)]
    pub json: bool,
    /// Give up after this many seconds without an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

impl RegistryArgs {
    /// `NAME:PASSWORD`, if a user is named.
    pub fn credentials(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.user_file else { return Ok(self.user.clone()) };
        let wrong = |problem: &str| Failure::Usage(format!("{}: {problem}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
        match text.lines().next() {
            Some(line) if line.contains(':') => Ok(Some(line.trim().to_owned())),
            _ => Err(wrong("its first line is not NAME:PASSWORD")),
        }
    }
}

/// The arguments of `schema get`.
#[derive(Args, Debug)]
#[command(
    group = clap::ArgGroup::new("which").required(true).args(["subject", "id", "guid"]),
    after_help = "Examples:\n  \
                  tidegate schema get orders-value\n  \
                  tidegate schema get orders-value/3 --raw > order.avsc\n  \
                  tidegate schema get --id 17 --references"
)]
pub struct GetArgs {
    /// The subject; without a version the latest. A name that ends in /N itself needs --version
    #[arg(value_name = "SUBJECT[/VERSION]")]
    pub subject: Option<String>,
    /// The version, or latest
    #[arg(long, short, value_name = "N|latest", requires = "subject")]
    pub version: Option<VersionSpec>,
    /// By its id
    #[arg(long)]
    pub id: Option<i32>,
    /// By its id over all registries
    #[arg(long)]
    pub guid: Option<String>,
    /// For --id: the context in which to look for it
    #[arg(long, value_name = ".CONTEXT", requires = "id")]
    pub context: Option<String>,
    /// A form that the registry knows: resolved, serialized, ignore_extensions
    #[arg(long)]
    pub format: Option<String>,
    /// Also a version that is deleted and not yet gone for good
    #[arg(long)]
    pub deleted: bool,
    /// Also all schemas that it refers to, before it
    #[arg(long)]
    pub references: bool,
    /// Print the text alone, as the registry has it
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,
    /// Where and how.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// The arguments of `schema register`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
                  tidegate schema register orders-value=order.avsc\n  \
                  tidegate schema register orders-value=order.proto common/money.proto\n  \
                  cat order.json | tidegate schema register orders-value=- --type JSON\n  \
                  tidegate schema register orders-value=order.avsc --reference com.example.Money=money-value:2\n\n\
                  A file without a subject is registered under the name by which others refer to it: \
                  its full name in Avro, its $id or path in JSON Schema, its path in Protobuf. What \
                  files refer to is found among the files that are given.")]
pub struct RegisterArgs {
    /// Files, each with its subject; - for standard input
    #[arg(required = true, value_name = "SUBJECT=FILE")]
    pub files: Vec<String>,
    /// AVRO, JSON or PROTOBUF, if the names of the files do not tell (.avsc, .json, .proto)
    #[arg(long, value_name = "TYPE")]
    pub r#type: Option<String>,
    /// A registered schema that the files refer to; may be repeated
    #[arg(long, short, value_name = "NAME=SUBJECT:VERSION", value_parser = parse_reference)]
    pub reference: Vec<ReferenceArg>,
    /// Register what means the same as the same
    #[arg(long)]
    pub normalize: bool,
    /// Metadata, in JSON, for the one file
    #[arg(long, value_name = "FILE")]
    pub metadata: Option<PathBuf>,
    /// A rule set, in JSON, for the one file
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// The id that the one file must get; the registry must be in mode IMPORT
    #[arg(long)]
    pub id: Option<i32>,
    /// The version that the one file must get; the registry must be in mode IMPORT
    #[arg(long)]
    pub version: Option<i32>,
    /// Where and how.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// The arguments of `schema check`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
                  tidegate schema check orders-value order.avsc\n  \
                  tidegate schema check orders-value order.avsc --all\n  \
                  tidegate schema check --offline old.avsc new.avsc --level FULL\n\n\
                  Without --version and --all it is checked as if it were registered, which depends on \
                  the compatibility level of the subject. What the file refers to is that which the \
                  latest version refers to, unless --reference says otherwise.")]
pub struct CheckArgs {
    /// The subject; with --offline the older file
    #[arg(value_name = "SUBJECT|OLD")]
    pub subject: String,
    /// The file with the new schema; - for standard input
    #[arg(value_name = "FILE|NEW")]
    pub file: String,
    /// Check two files without a registry
    #[arg(long)]
    pub offline: bool,
    /// With --offline: BACKWARD (new reads old), FORWARD (old reads new) or FULL
    #[arg(long, value_name = "LEVEL", default_value = "BACKWARD", requires = "offline")]
    pub level: Level,
    /// With --offline: a file that both refer to; may be repeated
    #[arg(long, value_name = "FILE", requires = "offline")]
    pub with: Vec<String>,
    /// Only against this version, or latest
    #[arg(long, short, value_name = "N|latest", conflicts_with_all = ["offline", "all"])]
    pub version: Option<VersionSpec>,
    /// Against each version of the subject
    #[arg(long, conflicts_with = "offline")]
    pub all: bool,
    /// AVRO, JSON or PROTOBUF, if the name of the file does not tell (.avsc, .json, .proto)
    #[arg(long, value_name = "TYPE")]
    pub r#type: Option<String>,
    /// A registered schema that the file refers to; may be repeated
    #[arg(long, short, value_name = "NAME=SUBJECT:VERSION", value_parser = parse_reference, conflicts_with = "offline")]
    pub reference: Vec<ReferenceArg>,
    /// Compare as if it were registered with --normalize
    #[arg(long, conflicts_with = "offline")]
    pub normalize: bool,
    /// Where and how.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Which of two schemas must be able to read what was written with the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// The new one reads what the old one wrote.
    Backward,
    /// The old one reads what the new one writes.
    Forward,
    /// Both.
    Full,
}

/// `NAME=SUBJECT:VERSION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceArg {
    /// The name by which the text refers to it.
    pub name: String,
    /// The subject.
    pub subject: String,
    /// The version.
    pub version: VersionSpec,
}

impl ReferenceArg {
    /// As a registry takes it.
    pub fn at(&self, version: i32) -> SchemaReference {
        SchemaReference { name: self.name.clone(), subject: self.subject.clone(), version }
    }
}

fn parse_reference(text: &str) -> Result<ReferenceArg, String> {
    let wrong = || format!("{text:?} is not a reference; it takes NAME=SUBJECT:VERSION");
    let (name, target) = text.split_once('=').ok_or_else(wrong)?;
    let (subject, version) = target.rsplit_once(':').ok_or_else(wrong)?;
    if name.is_empty() || subject.is_empty() {
        return Err(wrong());
    }
    let (name, subject) = (name.to_owned(), subject.to_owned());
    Ok(ReferenceArg { name, subject, version: version.parse()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_name_a_subject_and_a_version() {
        let reference = parse_reference("a/b.proto=:.ctx:money:3").expect("it is one");
        assert_eq!((&*reference.name, &*reference.subject), ("a/b.proto", ":.ctx:money"));
        assert_eq!(reference.version, VersionSpec::Number(3));
        assert!(parse_reference("n=s:latest").is_ok());
        for wrong in ["n", "n=s", "n=s:x", "=s:1", "n=:1"] {
            assert!(parse_reference(wrong).is_err(), "{wrong}");
        }
    }
}
