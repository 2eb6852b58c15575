//! Presets, files and flags, and what is said to values that cannot be.

use super::*;

fn toml(text: &str) -> Result<Plan, String> {
    let file = Overrides::from_toml(text).map_err(|error| error.to_string())?;
    Plan::build(Some(file), Overrides::default()).map_err(|error| error.to_string())
}

#[test]
fn presets_have_the_numbers_of_the_table() {
    let table = [
        ("quick", 60, 1, 10.0, 1, 256),
        ("standard", 120, 2, 50.0, 2, 512),
        ("stress", 600, 20, 2000.0, 10, 2048),
        ("endurance", 1800, 10, 1000.0, 5, 1024),
        ("default", 300, 10, 1000.0, 5, 1024),
        ("schema", 180, 3, 50.0, 2, 1024),
    ];
    assert_eq!(PRESETS.len(), table.len());
    for (name, seconds, producers, rate, consumers, bytes) in table {
        let plan = Plan::preset(name).unwrap();
        assert_eq!(plan.duration, Span::from_secs(seconds), "{name}");
        assert_eq!((plan.producers, plan.consumers, plan.bytes), (producers, consumers, bytes));
        assert_eq!(plan.rate, rate, "{name}");
        assert_eq!((plan.topics, plan.partitions, plan.replication_factor), (5, 4, 1));
        assert_eq!((plan.compatibility.as_str(), plan.codec), ("FULL", Codec::Snappy));
        assert_eq!((plan.acks, plan.batch_records, plan.headers), (Acks::All, 100, 2));
        assert_eq!((plan.linger, plan.groups), (Span::from_millis(5), 1));
        plan.check().unwrap();
    }
}

#[test]
fn topics_are_named_and_encoded_as_in_the_model() {
    let plan = Plan::preset("quick").unwrap();
    let subjects = crate::message::schemas::subjects(&plan);
    let names: Vec<&str> = subjects.iter().map(|subject| subject.name.as_str()).collect();
    assert_eq!(names.len(), 10);
    assert_eq!(names[0], "loadtest-topic-0-value");
    assert_eq!(names[9], "loadtest-topic-4-key");
    let formats: Vec<Format> = (0..5).map(|topic| plan.format(topic)).collect();
    let (avro, json) = (Format::Avro, Format::Json);
    assert_eq!(formats, [avro, json, Format::Protobuf, avro, json]);
}

#[test]
fn flags_win_over_the_file_and_the_file_over_the_preset() {
    let file = "preset = 'standard'\nproducers = 7\nbytes = 600\n[properties]\na = '1'\nb = '1'";
    let file = Overrides::from_toml(file).unwrap();
    let mut flags =
        Overrides { bytes: Some(700), registry: Some("none".into()), ..Default::default() };
    flags.properties.insert("b".to_owned(), "2".to_owned());
    let plan = Plan::build(Some(file.clone()), flags).unwrap();
    assert_eq!((plan.preset.as_str(), plan.producers, plan.bytes), ("standard", 7, 700));
    assert_eq!(plan.consumers, 2);
    assert_eq!(plan.registry, None);
    assert_eq!((plan.properties["a"].as_str(), plan.properties["b"].as_str()), ("1", "2"));
    let flags = Overrides { preset: Some("quick".into()), ..Default::default() };
    let plan = Plan::build(Some(file), flags).unwrap();
    assert_eq!((plan.preset.as_str(), plan.producers, plan.consumers), ("quick", 7, 1));
    assert_eq!(Plan::build(None, Overrides::default()).unwrap().preset, "default");
}

#[test]
fn every_setting_can_be_written_in_a_file() {
    let plan = Plan::preset("stress").unwrap();
    // A plan that is written and read as a file is the same plan.
    let mut plan = Plan { keep_topics: true, seed: 9, ..plan };
    plan.at.push(FaultCommand { after: Span::from_secs(30), command: "kill -9 1".to_owned() });
    plan.expect = "p99=20ms,rate=10000".parse().unwrap();
    plan.registry_restart = Some("true".to_owned());
    let text = toml::to_string(&plan).unwrap();
    assert_eq!(toml(&text).unwrap(), plan, "{text}");
}

#[test]
fn a_report_keeps_a_plan_as_json() {
    let plan = Plan::preset("stress").unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    assert!(text.contains(r#""duration":"10m""#) && text.contains(r#""acks":"all""#), "{text}");
}

#[test]
fn an_unknown_preset_is_told_the_known_ones() {
    let error = Plan::preset("fast").unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no preset 'fast'; there are quick, standard, stress, endurance, default, schema"
    );
}

#[test]
fn a_file_with_a_mistake_is_told_where() {
    for (text, says) in [
        ("producer = 3", "unknown field `producer`"),
        ("producers = 'many'", "producers = 'many'"),
        ("duration = '15'", "as in 250ms, 15s"),
        ("codec = 'brotli'", "brotli"),
        ("expect = 'p99'", "write p99=20ms"),
        ("at = [{after = '3s'}]", "missing field `command`"),
        ("producers = ", "line 1"),
    ] {
        let error = toml(text).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
        assert!(error.contains("line 1"), "{text}: {error}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_what_would_be_right() {
    for (text, says) in [
        ("producers = 0", "producers is 0: from 1 to 10000 is possible"),
        ("topics = 0", "topics is 0: from 1 to 10000 is possible"),
        ("topics = 10000\npartitions = 100", "topics times partitions is 1000000: at most 200000"),
        ("keys = 0", "keys is 0"),
        ("headers = 65", "headers is 65: from 0 to 64"),
        ("replication_factor = 0", "replication_factor is 0: write 1 or more, or -1"),
        ("rate = -1.0", "rate is -1: write records per second"),
        ("rate = inf", "rate is inf"),
        ("key_skew = 11.0", "key_skew is 11: from 0 (even) to 10"),
        ("topic_prefix = 'a b'", "topic_prefix is 'a b': write 1 to 200 letters"),
        ("group_prefix = ''", "group_prefix is ''"),
        ("bootstrap = ' '", "bootstrap is empty: write HOST:PORT"),
        ("formats = []", "formats is empty: name at least one of avro, json, protobuf"),
        ("registry = 'localhost:8081'", "registry is 'localhost:8081': write its URL"),
        (
            "registry = 'none'\nregistry_restart = 'true'",
            "registry_restart is set, but there is no registry",
        ),
        ("compatibility = 'full'", "compatibility is 'full': it is one of NONE, BACKWARD"),
        ("acks = '1'", "acks is 1, but idempotent producers need all"),
        ("transactional = true\nclient = 'java'", "which the client java does not do here"),
        (
            "transactional = true\nexpect = 'p99=1s,lag=0'",
            "lag=0 is expected of a transactional run",
        ),
        ("duration = '0s'", "duration is 0s: write at least 1ms"),
        ("linger = '5m'", "longer than delivery_timeout, which is 2m"),
        ("rate = 1e8\nduration = '20h'", "more than 1099511627776 records of a producer"),
        (
            "duration = '9s'\nat = [{after = '9s', command = 'x'}]",
            "would run at 9s, when the duration of 9s",
        ),
        ("bytes = 100", "bytes is 100: from "),
        ("bytes = 100000000", "to 67108864 is possible"),
    ] {
        let error = toml(text).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    assert_eq!("zstd".parse::<Codec>().unwrap(), Codec::Zstd);
    assert_eq!("0".parse::<Acks>().unwrap(), Acks::None);
    assert_eq!("franz".parse::<ClientKind>().unwrap(), ClientKind::Franz);
    let error = "xml".parse::<Format>().unwrap_err();
    assert_eq!(error, "there is no format 'xml'; there are avro, json, protobuf");
    for codec in Codec::ALL {
        assert_eq!(serde_json::to_string(codec).unwrap(), format!("\"{}\"", codec.name()));
    }
    for acks in Acks::ALL {
        assert_eq!(serde_json::to_string(acks).unwrap(), format!("\"{}\"", acks.name()));
    }
}
