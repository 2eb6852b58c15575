//! IncrementalAlterConfigs on the broker, on the cluster's defaults, and on the broker's loggers.

use crate::admin::*;
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::AlterableConfig;
use kafka_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};

scenarios![
    the_brokers_own_value_comes_before_the_clusters,
    topics_follow_the_broker,
    a_topics_own_value_comes_before_the_brokers,
    entries_are_appended_to_and_subtracted_from_a_list,
    configs_that_only_a_restart_changes_are_refused,
    removing_a_config_that_only_a_restart_changes_succeeds,
    configs_of_one_broker_are_no_defaults_of_the_cluster,
    security_configs_are_changed_for_listeners_only,
    a_value_that_is_not_of_the_type_is_refused,
    a_value_out_of_range_is_refused,
    a_thread_pool_at_most_doubles_or_halves,
    removing_a_size_changes_a_thread_pool_as_setting_one,
    a_null_value_is_refused,
    only_lists_are_appended_to,
    a_config_named_twice_is_refused,
    checking_only_changes_nothing,
    another_broker_is_refused,
    a_broker_whose_name_is_no_number_is_refused,
    configs_that_do_not_exist_are_kept_and_not_shown,
    a_secret_is_not_shown,
    operations_that_do_not_exist_are_refused,
    a_broker_and_the_clusters_defaults_in_one_request,
    loggers_that_do_not_exist_are_refused,
    loggers_levels_are_no_lists,
    loggers_of_another_broker_are_refused,
];

async fn answers(
    client: &mut Client,
    version: i16,
    error: ErrorCode,
    kind: i8,
    name: &str,
    changes: Vec<AlterableConfig>,
) {
    let response = client.call(version, &alter(vec![resource(kind, name, changes)])).await;
    expect(response.responses[0].error_code, error);
}

/// Shows in both versions that neither the broker nor the cluster's defaults take these changes.
async fn is_refused(mut client: Client, error: ErrorCode, changes: Vec<AlterableConfig>) {
    let node = client.target.node_id.to_string();
    for version in client.each(0..=1) {
        for name in ["", &node] {
            answers(&mut client, version, error, BROKER, name, changes.clone()).await;
        }
    }
}

async fn the_brokers_own_value_comes_before_the_clusters(mut client: Client) {
    let _alone = brokers_configs().await;
    let node = client.target.node_id.to_string();
    let config = "log.cleaner.backoff.ms";
    for version in client.each(0..=1) {
        for (name, change, value) in [
            ("", set(config, "16000"), "16000"),
            (&node, set(config, "17000"), "17000"),
            (&node, unset(config), "16000"),
            ("", unset(config), "15000"),
        ] {
            answers(&mut client, version, ErrorCode::None, BROKER, name, vec![change]).await;
            until_config_is(&mut client, BROKER, &node, config, Some(value)).await;
        }
    }
}

async fn topics_follow_the_broker(mut client: Client) {
    let _alone = brokers_configs().await;
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=1) {
        for (change, value) in [
            (set("log.index.interval.bytes", "8192"), "8192"),
            (unset("log.index.interval.bytes"), "4096"),
        ] {
            answers(&mut client, version, ErrorCode::None, BROKER, "", vec![change]).await;
            let name = "index.interval.bytes";
            until_config_is(&mut client, TOPIC, &topic.name, name, Some(value)).await;
        }
    }
}

async fn a_topics_own_value_comes_before_the_brokers(mut client: Client) {
    let _alone = brokers_configs().await;
    let topic = client.topic_with("t", 1, &[("index.interval.bytes", "5000")]).await;
    let node = client.target.node_id.to_string();
    let name = "log.index.interval.bytes";
    answers(&mut client, 1, ErrorCode::None, BROKER, &node, vec![set(name, "8192")]).await;
    until_config_is(&mut client, BROKER, &node, name, Some("8192")).await;
    until_config_is(&mut client, TOPIC, &topic.name, "index.interval.bytes", Some("5000")).await;
    answers(&mut client, 1, ErrorCode::None, BROKER, &node, vec![unset(name)]).await;
    until_config_is(&mut client, BROKER, &node, name, Some("4096")).await;
}

async fn entries_are_appended_to_and_subtracted_from_a_list(mut client: Client) {
    let node = client.target.node_id.to_string();
    let name = "log.cleanup.policy";
    for version in client.each(0..=1) {
        for (change, error) in [
            (append(name, "compact"), ErrorCode::None),
            (append(name, "rot"), ErrorCode::InvalidRequest),
            (subtract(name, "delete"), ErrorCode::None),
            (append("no.such.config", "1"), ErrorCode::InvalidConfig),
        ] {
            // Every topic would follow, those of others too.
            let request = alter(vec![resource(BROKER, &node, vec![change])]);
            let response = client.call(version, &request.with_validate_only(true)).await;
            expect(response.responses[0].error_code, error);
        }
    }
}

async fn configs_that_only_a_restart_changes_are_refused(client: Client) {
    let changes =
        vec![set("num.partitions", "3"), set("node.id", "5"), set("log.retention.ms", "5")];
    is_refused(client, ErrorCode::InvalidRequest, changes).await;
}

async fn removing_a_config_that_only_a_restart_changes_succeeds(client: Client) {
    is_refused(client, ErrorCode::None, vec![unset("num.partitions")]).await;
}

async fn configs_of_one_broker_are_no_defaults_of_the_cluster(mut client: Client) {
    for version in client.each(0..=1) {
        for change in [
            set("sasl.jaas.config", "secret"),
            set("listeners", "PLAINTEXT://127.0.0.1:1"),
            set("listener.name.plaintext.ssl.keystore.type", "JKS"),
        ] {
            let refused = ErrorCode::InvalidRequest;
            answers(&mut client, version, refused, BROKER, "", vec![change]).await;
        }
    }
}

async fn security_configs_are_changed_for_listeners_only(client: Client) {
    let changes = vec![set("ssl.keystore.password", "secret"), set("ssl.truststore.type", "JKS")];
    is_refused(client, ErrorCode::InvalidRequest, changes).await;
}

async fn a_value_that_is_not_of_the_type_is_refused(client: Client) {
    let changes = vec![set("log.cleaner.backoff.ms", "soon")];
    is_refused(client, ErrorCode::InvalidRequest, changes).await;
}

async fn a_value_out_of_range_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidRequest, vec![set("message.max.bytes", "-1")]).await;
}

async fn a_thread_pool_at_most_doubles_or_halves(mut client: Client) {
    let _alone = brokers_configs().await;
    let node = client.target.node_id.to_string();
    // Half of an odd size is rounded down, and the way back is as long. Kafka closes the connections
    // of network threads that it stops, so that these stay.
    for (pool, refused, taken) in [
        ("background.threads", &["21", "4"][..], &["5", "2", "4", "5"][..]),
        ("num.io.threads", &["17", "3"], &["16"]),
        ("num.network.threads", &["7"], &[]),
        ("num.recovery.threads.per.data.dir", &["5"], &["4"]),
        ("num.replica.fetchers", &["3"], &["2"]),
    ] {
        for (name, size) in refused.iter().flat_map(|size| [("", size), (&node, size)]) {
            let changes = vec![set(pool, size)];
            answers(&mut client, 1, ErrorCode::InvalidRequest, BROKER, name, changes).await;
        }
        for size in taken {
            answers(&mut client, 1, ErrorCode::None, BROKER, "", vec![set(pool, size)]).await;
            until_config_is(&mut client, BROKER, &node, pool, Some(size)).await;
        }
        answers(&mut client, 1, ErrorCode::None, BROKER, "", vec![unset(pool)]).await;
    }
}

async fn removing_a_size_changes_a_thread_pool_as_setting_one(mut client: Client) {
    let _alone = brokers_configs().await;
    let node = client.target.node_id.to_string();
    let pool = "num.io.threads";
    for size in ["16", "32"] {
        answers(&mut client, 1, ErrorCode::None, BROKER, &node, vec![set(pool, size)]).await;
        until_config_is(&mut client, BROKER, &node, pool, Some(size)).await;
    }
    let refused = ErrorCode::InvalidRequest;
    answers(&mut client, 1, refused, BROKER, &node, vec![unset(pool)]).await;
    // What the node's own value hides changes nothing.
    answers(&mut client, 1, ErrorCode::None, BROKER, "", vec![set(pool, "100")]).await;
    answers(&mut client, 1, ErrorCode::None, BROKER, "", vec![unset(pool)]).await;
    answers(&mut client, 1, ErrorCode::None, BROKER, &node, vec![set(pool, "16")]).await;
    until_config_is(&mut client, BROKER, &node, pool, Some("16")).await;
    answers(&mut client, 1, ErrorCode::None, BROKER, &node, vec![unset(pool)]).await;
    until_config_is(&mut client, BROKER, &node, pool, Some("8")).await;
}

async fn a_null_value_is_refused(client: Client) {
    let changes = vec![change(0, "message.max.bytes", None)];
    is_refused(client, ErrorCode::InvalidRequest, changes).await;
}

async fn only_lists_are_appended_to(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, vec![append("message.max.bytes", "1")]).await;
}

async fn a_config_named_twice_is_refused(client: Client) {
    let changes = vec![set("message.max.bytes", "1"), unset("message.max.bytes")];
    is_refused(client, ErrorCode::InvalidRequest, changes).await;
}

async fn checking_only_changes_nothing(mut client: Client) {
    let _alone = brokers_configs().await;
    let node = client.target.node_id.to_string();
    for version in client.each(0..=1) {
        for name in ["", &node] {
            for (value, error) in [("16000", ErrorCode::None), ("soon", ErrorCode::InvalidRequest)]
            {
                let changes = vec![set("log.cleaner.backoff.ms", value)];
                let request = alter(vec![resource(BROKER, name, changes)]);
                let response = client.call(version, &request.with_validate_only(true)).await;
                expect(response.responses[0].error_code, error);
            }
        }
    }
    until_config_is(&mut client, BROKER, &node, "log.cleaner.backoff.ms", Some("15000")).await;
}

async fn another_broker_is_refused(mut client: Client) {
    for version in client.each(0..=1) {
        for name in ["77", "-1"] {
            let changes = vec![set("message.max.bytes", "2000000")];
            let refused = ErrorCode::InvalidRequest;
            answers(&mut client, version, refused, BROKER, name, changes).await;
        }
    }
}

async fn a_broker_whose_name_is_no_number_is_refused(mut client: Client) {
    for version in client.each(0..=1) {
        for name in ["one", " 1", "1.0"] {
            let changes = vec![set("message.max.bytes", "2000000")];
            let refused = ErrorCode::InvalidRequest;
            answers(&mut client, version, refused, BROKER, name, changes).await;
        }
    }
}

/// Of the broker itself, set while it runs (`ConfigSource.DYNAMIC_BROKER_CONFIG`).
const DYNAMIC_BROKER: i8 = 2;
/// Nobody set it (`ConfigSource.DEFAULT_CONFIG`).
const DEFAULT: i8 = 5;

/// Describes a config of the broker until it has that source, or is not told, and records it.
async fn until_source_is(client: &mut Client, name: &str, config: &str, source: Option<i8>) {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(text(name))
        .with_configuration_keys(Some(vec![text(config)]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let answer = until(client, 4, &request, |answer| {
        answer.results[0].configs.first().map(|config| config.config_source) == source
    })
    .await;
    client.record("> DescribeConfigs", &answer.results[0].configs);
}

async fn configs_that_do_not_exist_are_kept_and_not_shown(mut client: Client) {
    let _alone = brokers_configs().await;
    let name = client.unique("no.such.config");
    let node = client.target.node_id.to_string();
    for version in client.each(0..=1) {
        answers(&mut client, version, ErrorCode::None, BROKER, &node, vec![set(&name, "1")]).await;
        until_source_is(&mut client, &node, &name, Some(DYNAMIC_BROKER)).await;
        answers(&mut client, version, ErrorCode::None, BROKER, &node, vec![unset(&name)]).await;
        until_source_is(&mut client, &node, &name, None).await;
    }
}

async fn a_secret_is_not_shown(mut client: Client) {
    let _alone = brokers_configs().await;
    let node = client.target.node_id.to_string();
    let name = "sasl.jaas.config";
    answers(&mut client, 1, ErrorCode::None, BROKER, &node, vec![set(name, "secret")]).await;
    until_source_is(&mut client, &node, name, Some(DYNAMIC_BROKER)).await;
    answers(&mut client, 1, ErrorCode::None, BROKER, &node, vec![unset(name)]).await;
    until_source_is(&mut client, &node, name, Some(DEFAULT)).await;
}

async fn operations_that_do_not_exist_are_refused(client: Client) {
    let changes = vec![change(4, "message.max.bytes", Some("1"))];
    is_refused(client, ErrorCode::InvalidRequest, changes).await;
}

async fn a_broker_and_the_clusters_defaults_in_one_request(mut client: Client) {
    let _alone = brokers_configs().await;
    let node = client.target.node_id.to_string();
    let request = |of_node, of_cluster| -> IncrementalAlterConfigsRequest {
        let rows = [(&node[..], of_node), ("", of_cluster), ("77", unset("message.max.bytes"))];
        alter(rows.into_iter().map(|(name, it)| resource(BROKER, name, vec![it])).collect())
    };
    let name = "log.cleaner.backoff.ms";
    for version in client.each(0..=1) {
        for request in
            [request(set(name, "17000"), set(name, "16000")), request(unset(name), unset(name))]
        {
            let mut response = client.ask(version, &request).await;
            response.responses.sort_by_key(|row| row.resource_name.clone());
            client.record("> IncrementalAlterConfigs", &response);
        }
    }
    until_config_is(&mut client, BROKER, &node, name, Some("15000")).await;
}

async fn loggers_that_do_not_exist_are_refused(mut client: Client) {
    let node = client.target.node_id.to_string();
    for version in client.each(0..=1) {
        for change in [set("no.such.logger", "INFO"), unset("no.such.logger")] {
            let refused = ErrorCode::InvalidConfig;
            answers(&mut client, version, refused, BROKER_LOGGER, &node, vec![change]).await;
        }
    }
}

async fn loggers_levels_are_no_lists(mut client: Client) {
    let node = client.target.node_id.to_string();
    for version in client.each(0..=1) {
        for change in [append("root", "INFO"), subtract("root", "INFO")] {
            let refused = ErrorCode::InvalidRequest;
            answers(&mut client, version, refused, BROKER_LOGGER, &node, vec![change]).await;
        }
    }
}

async fn loggers_of_another_broker_are_refused(mut client: Client) {
    for version in client.each(0..=1) {
        for name in ["77", "", "one"] {
            let refused = ErrorCode::InvalidRequest;
            let changes = vec![set("root", "INFO")];
            answers(&mut client, version, refused, BROKER_LOGGER, name, changes).await;
        }
    }
}
