//! Settings from all three places, and every way to get one wrong.

use super::*;
use tidegate_machine::schema::CompatibilityLevel;
use tidegate_registry::Answers;

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Loads with a file of this content, which lives as long as the call.
fn load(file: &str, variables: &[(&str, &str)], flags: Flags) -> Result<Settings, String> {
    let directory = std::env::temp_dir().join(format!("tidegate-settings-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("the temporary directory is writable");
    let path = directory.join(format!("{:?}.toml", std::thread::current().id()));
    std::fs::write(&path, file).expect("the temporary directory is writable");
    let settings = Settings::load(Some(&path), environment(variables), flags);
    std::fs::remove_file(&path).expect("it was written above");
    let shown = path.display().to_string();
    settings.map_err(|failure| failure.to_string().replace(&shown, "FILE"))
}

fn refused(file: &str, variables: &[(&str, &str)], flags: Flags) -> String {
    load(file, variables, flags).map(|_| ()).expect_err("must be refused")
}

#[test]
fn nothing_set_gives_the_defaults() {
    let settings = Settings::load(None, Vec::new(), Vec::new()).expect("the defaults are valid");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:9092");
    assert_eq!(settings.advertise, None);
    assert_eq!(settings.admin_listen.map(|a| a.to_string()), Some("127.0.0.1:9644".to_owned()));
    assert_eq!(settings.data_dir, Path::new("./tidegate-data"));
    assert_eq!((settings.storage.engine, settings.storage.sync), (Engine::Local, Sync::Always));
    assert!(settings.warnings.is_empty());
}

#[test]
fn a_flag_beats_the_environment_and_the_environment_beats_the_file() {
    let file = "listen = \"a:1\"\nadvertise = \"a:1\"\nadmin_listen = \"a:1\"\n";
    let variables = [("TIDEGATE_ADVERTISE", "b:2"), ("TIDEGATE_ADMIN_LISTEN", "b:2")];
    let flags = vec![("admin_listen", "--admin-listen", "c:3".to_owned())];
    let settings = load(file, &variables, flags).expect("valid");
    assert_eq!(settings.listen.to_string(), "a:1");
    assert_eq!(settings.advertise.map(|address| address.to_string()), Some("b:2".to_owned()));
    assert_eq!(settings.admin_listen.map(|address| address.to_string()), Some("c:3".to_owned()));
}

#[test]
fn kafkas_names_are_taken_with_and_without_quotes_and_from_the_environment() {
    let file = "[kafka]\nnum.partitions = 3\n\"auto.create.topics.enable\" = false\n\
                log.cleanup.policy = [\"compact\", \"delete\"]\n";
    let settings = load(file, &[("TIDEGATE_KAFKA_NUM_PARTITIONS", "5")], vec![]).expect("valid");
    assert_eq!(settings.kafka.num_partitions(), 5);
    assert!(!settings.kafka.auto_create_topics_enable());
    assert_eq!(settings.kafka.log_cleanup_policy(), ["compact", "delete"]);
}

#[test]
fn the_interval_of_syncing_is_part_of_the_mode() {
    let file = "[storage]\nsync = \"interval\"\nsync_interval_ms = 20\n";
    let settings = load(file, &[], vec![]).expect("valid");
    assert_eq!(settings.storage.sync, Sync::Interval(Duration::from_millis(20)));
}

#[test]
fn off_switches_the_admin_address_off() {
    let settings = load("admin_listen = \"off\"", &[], vec![]).expect("valid");
    assert_eq!(settings.admin_listen, None);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    assert_eq!(
        refused("[storage]\nsynch = \"always\"\n", &[], vec![]),
        "storage.synch in FILE = \"always\": there is no such setting; did you mean storage.sync?"
    );
}

#[test]
fn an_unknown_kafka_config_is_refused_with_the_nearest_one() {
    assert_eq!(
        refused("[kafka]\nnum.partition = 3\n", &[], vec![]),
        "[kafka] in FILE: num.partition = \"3\": Kafka 4.3 has no broker config of this name; \
         did you mean num.partitions?"
    );
}

#[test]
fn a_bad_value_is_refused_with_its_place_and_what_would_be_right() {
    let right = "there is no such mode; it takes always, interval or os (default always)";
    assert_eq!(
        refused("[storage]\nsync = \"never\"\n", &[], vec![]),
        format!("storage.sync in FILE = \"never\": {right}")
    );
    assert_eq!(
        refused("", &[("TIDEGATE_SYNC", "never")], vec![]),
        format!("TIDEGATE_SYNC = \"never\": {right}")
    );
    assert_eq!(
        refused("", &[], vec![("storage.sync", "--sync", "never".to_owned())]),
        format!("--sync = \"never\": {right}")
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    assert_eq!(
        refused("[storage]\nwal_files = \"many\"\n", &[], vec![]),
        "storage.wal_files in FILE = \"many\": is not a whole number; \
         it takes a number from 2 to 1024 (default 16)"
    );
    assert!(refused("listen = 2026-11-21", &[], vec![]).contains("is a datetime"));
    assert!(refused("[kafka]\nnum.partitions = \"x\"", &[], vec![]).contains("number of type INT"));
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_the_line() {
    let message = refused("listen = \n", &[], vec![]);
    assert!(message.starts_with("FILE is not valid TOML: TOML parse error at line 1"), "{message}");
}

#[test]
fn a_missing_file_is_refused() {
    let missing = Settings::load(Some(Path::new("/no/such/file")), Vec::new(), Vec::new());
    let message = missing.map(|_| ()).expect_err("must be refused").to_string();
    assert!(message.starts_with("--config /no/such/file: cannot be read:"), "{message}");
}

#[test]
fn nobody_can_connect_to_all_interfaces() {
    assert!(load("listen = \"0.0.0.0:9092\"", &[], vec![]).is_ok());
    assert!(refused("advertise = \"0.0.0.0:9092\"", &[], vec![]).contains("can connect to"));
}

#[test]
fn the_registry_is_at_its_default_address_elsewhere_or_off() {
    let listen = |file: &str| load(file, &[], vec![]).expect("valid").registry_listen;
    assert_eq!(listen(""), RegistryListen::Default);
    assert_eq!(listen("registry_listen = \"off\""), RegistryListen::Off);
    let named = "127.0.0.1:9".parse().expect("an address");
    assert_eq!(listen("registry_listen = \"127.0.0.1:9\""), RegistryListen::Named(named));
    assert!(refused("registry_listen = \"9\"", &[], vec![]).contains("has no port"));
}

#[test]
fn confluents_names_are_taken_in_the_table_of_the_registry() {
    let file = "[registry]\nschema.compatibility.level = \"full_transitive\"\nanswers = 7\n\
                access.control.allow.origin = [\"http://a\", \"http://b\"]\n";
    let settings = load(file, &[("TIDEGATE_REGISTRY_MODE_MUTABILITY", "false")], vec![]);
    let registry = settings.expect("valid").registry;
    assert_eq!(registry.compatibility_level, CompatibilityLevel::FullTransitive);
    assert_eq!(registry.rules.answers, Answers::Seven);
    assert!(!registry.rules.mode_mutability);
    assert_eq!(registry.http.allowed_origins, ["http://a", "http://b"]);
    let unknown = refused("[registry]\nschema.compatibility.level = \"some\"", &[], vec![]);
    assert!(unknown.contains("there is no such level; it takes none, backward"), "{unknown}");
}

#[test]
fn the_memory_for_bodies_holds_the_largest() {
    let bodies =
        |file: &str| load(file, &[], vec![]).expect("valid").registry.http.bodies_bytes_max;
    assert_eq!(bodies(""), 256 << 20);
    assert_eq!(bodies("[registry]\nrequest_bytes_max = 1073741824"), 1 << 30);
    let small = refused("[registry]\nrequest_bytes_in_flight_max = 10485759", &[], vec![]);
    assert!(small.contains("is below 10485760; it takes bytes, at least"), "{small}");
}

#[test]
fn a_word_that_is_no_level_is_refused() {
    assert!(refused("[log]\nlevel = \"loud\"", &[], vec![]).contains("\"loud\" is not a level"));
    assert!(load("[log]\nlevel = \"info,tidegate::fetch=debug\"", &[], vec![]).is_ok());
}

#[test]
fn a_variable_that_is_no_setting_is_a_warning() {
    let settings = load("", &[("TIDEGATE_LISTENN", "x")], vec![]).expect("not an error");
    assert_eq!(
        settings.warnings,
        ["TIDEGATE_LISTENN is not a setting, did you mean TIDEGATE_LISTEN?"]
    );
}

#[test]
fn a_kafka_config_without_effect_is_a_warning() {
    let settings = load("[kafka]\nnum.io.threads = 4\n", &[], vec![]).expect("not an error");
    assert_eq!(settings.warnings, ["num.io.threads is set, and has no effect on this gateway"]);
}
