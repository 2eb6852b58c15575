//! What lies in a produced batch: codecs, timestamps, lengths, and what of it a consumer gets back.

use crate::batches::*;
use crate::client::{Client, Topic};
use crate::help::*;
use crate::scenarios;
use tidegate_wire::produce::PartitionResponse;

scenarios![
    every_oddity_of_a_record_comes_back_as_it_was,
    bytes_come_back_as_they_were_but_for_offset_and_leader_epoch,
    batches_of_every_codec_come_back_as_they_were,
    zstd_needs_produce_7,
    a_topics_codec_is_that_of_its_batches,
    a_codec_that_does_not_exist,
    zstd_is_fetched_by_every_version,
    create_time_is_the_producers,
    log_append_time_is_the_brokers_and_told,
    a_repetition_under_log_append_time_gets_the_original_time,
    a_repetition_under_create_time,
    a_timestamp_too_far_ahead_is_refused_by_record,
    a_timestamp_too_far_behind_is_refused_by_record,
    no_timestamp_is_always_in_range,
    any_timestamp_is_fine_under_log_append_time,
    a_header_that_lies_about_its_largest_timestamp_is_put_right,
    a_producer_must_not_stamp_batches_in_the_brokers_place,
    a_producers_stamp_is_taken_off_under_create_time,
    offset_deltas_that_do_not_count,
    records_that_are_cut_short_are_refused,
    compressed_bytes_that_do_not_unpack,
    bytes_behind_the_batch,
];

const ALL: std::ops::RangeInclusive<i16> = 3..=13;
const HOUR_MS: i64 = 3_600_000;

#[track_caller]
fn refused(answer: &PartitionResponse) -> (ErrorCode, Vec<i32>) {
    let named = answer.record_errors.iter().map(|record| record.batch_index).collect();
    (code(answer.error_code), named)
}

async fn take(client: &mut Client, version: i16, topic: &Topic, batch: Batch) -> PartitionResponse {
    let answer = client.produce_one(version, topic.partition(0), batch).await;
    expect(answer.error_code, ErrorCode::None);
    answer
}

async fn every_oddity_of_a_record_comes_back_as_it_was(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let batch = Batch::with_every_oddity();
        take(&mut client, version, &topic, batch.clone()).await;
        let read = client.fetch_one(12, topic.partition(0), 0).await;
        assert_eq!(read.records, batch.stored_at(0, 0));
    }
}

async fn bytes_come_back_as_they_were_but_for_offset_and_leader_epoch(mut client: Client) {
    for version in client.each([3, 8, 13]) {
        let topic = client.topic("t", 1).await;
        client.append(topic.partition(0), Batch::of(&["before"])).await;
        let batch = Batch::of(&["a", "b"]).by(7, 3, 9).damage(12, &77_i32.to_be_bytes());
        take(&mut client, version, &topic, batch.clone()).await;
        let read = client.fetch_one(12, topic.partition(0), 1).await;
        assert_eq!(read.records, batch.stored_at(1, 0));
    }
}

async fn batches_of_every_codec_come_back_as_they_were(mut client: Client) {
    for version in client.each([7, 13]) {
        let topic = client.topic("t", 1).await;
        for (n, packed) in (0..).zip(&PACKED) {
            client.note(packed.codec);
            take(&mut client, version, &topic, packed.batch()).await;
            let read = client.fetch_one(12, topic.partition(0), 2 * n).await;
            assert_eq!(read.records, packed.batch().stored_at(2 * n, 0));
        }
    }
}

async fn zstd_needs_produce_7(mut client: Client) {
    let zstd = &PACKED[4];
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let answer = client.produce_one(version, topic.partition(0), zstd.batch()).await;
        let expected =
            if version < 7 { ErrorCode::UnsupportedCompressionType } else { ErrorCode::None };
        expect(answer.error_code, expected);
    }
}

async fn a_topics_codec_is_that_of_its_batches(mut client: Client) {
    for (codec, id) in [("uncompressed", 0), ("gzip", 1), ("snappy", 2), ("lz4", 3), ("zstd", 4)] {
        client.note(&format!("compression.type={codec}"));
        let topic = client.topic_with("t", 1, &[("compression.type", codec)]).await;
        take(&mut client, 9, &topic, Batch::of(&["a", "b"])).await;
        for packed in &PACKED {
            take(&mut client, 9, &topic, packed.batch()).await;
        }
        let read = client.raw.read(12, topic.partition(0), 0).await;
        let headers = tidegate_raw_client::batch::headers(&read.records);
        // How small the result is, is the codec's implementation's affair.
        let told: Vec<_> = headers
            .iter()
            .map(|header| {
                assert_eq!(header.attributes.0 & 7, id);
                (
                    header.base_offset,
                    header.record_count,
                    header.base_timestamp,
                    header.max_timestamp,
                )
            })
            .collect();
        client.record("> Fetch: offset, count, timestamps", &told);
    }
}

async fn a_codec_that_does_not_exist(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each([3, 7]) {
        for codec in [5, 6, 7] {
            let batch = Batch::of(&["v"]).attributes(codec);
            let answer = client.produce_one(version, topic.partition(0), batch).await;
            assert_ne!(answer.error_code, 0);
        }
    }
}

async fn zstd_is_fetched_by_every_version(mut client: Client) {
    for configs in [&[][..], &[("compression.type", "zstd")]] {
        let topic = client.topic_with("t", 1, configs).await;
        client.append(topic.partition(0), PACKED[4].batch()).await;
        for version in client.each(4..=18) {
            let read = client.fetch_one(version, topic.partition(0), 0).await;
            expect(read.error_code, ErrorCode::None);
            assert_eq!(read.records, PACKED[4].batch().stored_at(0, 0));
        }
    }
}

async fn create_time_is_the_producers(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let batch = Batch::at_times(&[5, 3, 9, -1]);
        let answer = take(&mut client, version, &topic, batch).await;
        assert_eq!(answer.log_append_time_ms, -1);
        client.fetch_one(12, topic.partition(0), 0).await;
    }
}

async fn log_append_time_is_the_brokers_and_told(mut client: Client) {
    let configs = [("message.timestamp.type", "LogAppendTime")];
    for version in client.each(ALL) {
        let topic = client.topic_with("t", 1, &configs).await;
        for batch in [Batch::at_times(&[5, 3]), PACKED[0].batch()] {
            let answer = take(&mut client, version, &topic, batch).await;
            assert!((answer.log_append_time_ms - now_ms()).abs() < 60_000);
        }
        let read = client.fetch_one(12, topic.partition(0), 0).await;
        for header in tidegate_raw_client::batch::headers(&read.records) {
            assert_ne!(header.attributes.0 & LOG_APPEND_TIME, 0);
        }
    }
}

async fn a_repetition_under_log_append_time_gets_the_original_time(mut client: Client) {
    let configs = [("message.timestamp.type", "LogAppendTime")];
    for version in client.each(ALL) {
        let topic = client.topic_with("t", 1, &configs).await;
        let batch = Batch::of(&["v"]).by(7, 0, 0);
        let first = take(&mut client, version, &topic, batch.clone()).await;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        let again = take(&mut client, version, &topic, batch).await;
        assert_eq!(again.log_append_time_ms, first.log_append_time_ms);
    }
}

async fn a_repetition_under_create_time(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let batch = Batch::at_times(&[1_000, 3_000, 2_000]).by(7, 0, 0);
        take(&mut client, version, &topic, batch.clone()).await;
        take(&mut client, version, &topic, batch).await;
    }
}

/// Whether the records at those times, from now, are out of range.
async fn out_of_range(client: &mut Client, configs: &[(&str, &str)], from_now: &[i64], at: &[i32]) {
    for version in client.each(ALL) {
        let topic = client.topic_with("t", 1, configs).await;
        let now = now_ms();
        let times: Vec<i64> = from_now.iter().map(|delta| now + delta).collect();
        let answer = client.produce_one(version, topic.partition(0), Batch::at_times(&times)).await;
        let named = if version < 8 { &[] } else { at };
        assert_eq!(refused(&answer), (ErrorCode::InvalidTimestamp, named.to_vec()));
        let read = client.raw.read(12, topic.partition(0), 0).await;
        assert_eq!(read.high_watermark, 0, "nothing was appended");
    }
}

async fn a_timestamp_too_far_ahead_is_refused_by_record(mut client: Client) {
    out_of_range(&mut client, &[], &[0, 2 * HOUR_MS, -5, 3 * HOUR_MS], &[1, 3]).await;
    client.note("by the topic's config");
    let configs = [("message.timestamp.after.max.ms", "60000")];
    out_of_range(&mut client, &configs, &[120_000, 0], &[0]).await;
}

async fn a_timestamp_too_far_behind_is_refused_by_record(mut client: Client) {
    let configs = [("message.timestamp.before.max.ms", "60000")];
    out_of_range(&mut client, &configs, &[0, -120_000], &[1]).await;
}

async fn no_timestamp_is_always_in_range(mut client: Client) {
    let configs =
        [("message.timestamp.before.max.ms", "1000"), ("message.timestamp.after.max.ms", "1000")];
    for version in client.each(ALL) {
        let topic = client.topic_with("t", 1, &configs).await;
        take(&mut client, version, &topic, Batch::at_times(&[-1, -1])).await;
        client.fetch_one(12, topic.partition(0), 0).await;
    }
}

async fn any_timestamp_is_fine_under_log_append_time(mut client: Client) {
    let configs = [
        ("message.timestamp.type", "LogAppendTime"),
        ("message.timestamp.before.max.ms", "1000"),
        ("message.timestamp.after.max.ms", "1000"),
    ];
    for version in client.each([3, 8, 13]) {
        let topic = client.topic_with("t", 1, &configs).await;
        let times = [0, 5, now_ms() + 9 * HOUR_MS];
        take(&mut client, version, &topic, Batch::at_times(&times)).await;
    }
}

async fn a_header_that_lies_about_its_largest_timestamp_is_put_right(mut client: Client) {
    for version in client.each([3, 8, 13]) {
        for told in [0, 4_000, -1] {
            let topic = client.topic("t", 1).await;
            let batch = max_timestamp(Batch::at_times(&[1_000, 3_000, 2_000]), told);
            take(&mut client, version, &topic, batch).await;
            let read = client.fetch_one(12, topic.partition(0), 0).await;
            let header = tidegate_raw_client::batch::headers(&read.records)[0];
            assert_eq!(header.max_timestamp, 3_000);
        }
    }
}

async fn a_producer_must_not_stamp_batches_in_the_brokers_place(mut client: Client) {
    let configs = [("message.timestamp.type", "LogAppendTime")];
    let topic = client.topic_with("t", 1, &configs).await;
    for version in client.each(ALL) {
        let batch = Batch::at_times(&[5, 9]).attributes(LOG_APPEND_TIME);
        let answer = client.produce_one(version, topic.partition(0), batch).await;
        let named = if version < 8 { vec![] } else { vec![0, 1] };
        assert_eq!(refused(&answer), (ErrorCode::InvalidTimestamp, named));
    }
}

async fn a_producers_stamp_is_taken_off_under_create_time(mut client: Client) {
    for version in client.each([3, 8, 13]) {
        let topic = client.topic("t", 1).await;
        let batch = Batch::at_times(&[5, 9]).attributes(LOG_APPEND_TIME);
        take(&mut client, version, &topic, batch).await;
        client.fetch_one(12, topic.partition(0), 0).await;
    }
}

async fn offset_deltas_that_do_not_count(mut client: Client) {
    for version in client.each([3, 13]) {
        let topic = client.topic("t", 1).await;
        let mut payload = PLAIN.to_vec();
        payload[11] = 2 * 7;
        let batch = Batch::of(&["a", "b"]).payload(&payload);
        client.produce_one(version, topic.partition(0), batch).await;
    }
}

async fn records_that_are_cut_short_are_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each([3, 13]) {
        for len in [1, 7, 8, 9, 15] {
            client.note(&format!("{len} bytes of {}", PLAIN.len()));
            let batch = Batch::of(&["a", "b"]).payload(&PLAIN[..len]);
            let answer = client.produce_one(version, topic.partition(0), batch).await;
            assert_ne!(answer.error_code, 0);
        }
        client.note("a byte more");
        let batch = Batch::of(&["a", "b"]).payload(&[PLAIN, &[0]].concat());
        let answer = client.produce_one(version, topic.partition(0), batch).await;
        assert_ne!(answer.error_code, 0);
    }
}

async fn compressed_bytes_that_do_not_unpack(mut client: Client) {
    for version in client.each([7, 13]) {
        for packed in &PACKED {
            client.note(packed.codec);
            let topic = client.topic("t", 1).await;
            let batch = packed.batch().payload(b"not the codec's format");
            client.produce_one(version, topic.partition(0), batch).await;
        }
    }
}

async fn bytes_behind_the_batch(mut client: Client) {
    for version in client.each([3, 13]) {
        let topic = client.topic("t", 1).await;
        let mut request = produce_request(-1, topic.partition(0), Batch::of(&["v"]));
        let records = request.topics[0].partitions[0].records.as_mut();
        records.expect("it has records").extend_from_slice(b"tail");
        client.produce(version, &request).await;
    }
}
