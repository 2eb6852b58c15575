import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The Java client as one command: produce, consume, group, capabilities.
 *
 * <p>The same source runs on every release of kafka-clients that the suite covers, so it keeps to
 * what the oldest of them offers. Results go to stdout as JSON, an object a line.
 */
public final class Driver {
    /** A record's value is printed as it is up to this size, and as its digest above. */
    private static final int VALUE_PRINTED_BYTES_MAX = 64 * 1024;

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    public static void main(String[] args) throws Exception {
        if (args.length == 0) {
            throw new IllegalArgumentException("usage: Driver produce|consume|group|capabilities --key value ...");
        }
        Map<String, String> options = options(args);
        switch (args[0]) {
            case "produce" -> produce(options);
            case "consume" -> consume(options);
            case "group" -> new Member(options).run();
            case "capabilities" -> print(capabilities());
            default -> throw new IllegalArgumentException("unknown verb " + args[0]);
        }
        OUT.flush();
    }

    private static Map<String, String> options(String[] args) {
        Map<String, String> options = new HashMap<>();
        for (int i = 1; i < args.length; i += 2) {
            if (!args[i].startsWith("--") || i + 1 == args.length) {
                throw new IllegalArgumentException("expected --key value, found " + args[i]);
            }
            options.put(args[i].substring(2), args[i + 1]);
        }
        return options;
    }

    private static String required(Map<String, String> options, String name) {
        String value = options.get(name);
        if (value == null) {
            throw new IllegalArgumentException("--" + name + " is missing");
        }
        return value;
    }

    private static ObjectNode capabilities() {
        ObjectNode all = JSON.createObjectNode();
        ArrayNode codecs = all.putArray("codecs");
        for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
            codecs.add(codec);
        }
        for (String name : new String[] {
            "null_header_values", "null_values", "null_keys", "repeated_headers", "timestamps", "idempotence",
            "static_members", "acks_0"
        }) {
            all.put(name, true);
        }
        return all;
    }

    // Produce

    private static void produce(Map<String, String> options) throws Exception {
        String topic = required(options, "topic");
        Properties settings = new Properties();
        settings.put("bootstrap.servers", required(options, "bootstrap"));
        settings.put("compression.type", required(options, "codec"));
        settings.put("acks", required(options, "acks"));
        settings.put("enable.idempotence", required(options, "idempotent"));
        settings.put("linger.ms", "5");
        settings.put("max.request.size", Integer.toString(8 << 20));
        settings.put("delivery.timeout.ms", options.getOrDefault("timeout-ms", "60000"));
        settings.put("key.serializer", ByteArraySerializer.class.getName());
        settings.put("value.serializer", ByteArraySerializer.class.getName());

        List<Future<RecordMetadata>> acks = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings);
                BufferedReader lines = Files.newBufferedReader(Path.of(required(options, "input")))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (!line.isBlank()) {
                    acks.add(producer.send(record(topic, JSON.readTree(line))));
                }
            }
            producer.flush();
        }
        for (int i = 0; i < acks.size(); i++) {
            RecordMetadata metadata = acknowledged(acks.get(i), i);
            ObjectNode out = JSON.createObjectNode();
            out.put("i", i).put("partition", metadata.partition()).put("offset", metadata.offset());
            print(out);
        }
    }

    private static RecordMetadata acknowledged(Future<RecordMetadata> ack, int i) throws Exception {
        try {
            return ack.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("record " + i + " was not acknowledged: " + e.getCause(), e.getCause());
        }
    }

    private static ProducerRecord<byte[], byte[]> record(String topic, JsonNode line) {
        JsonNode timestamp = line.get("timestamp");
        ProducerRecord<byte[], byte[]> record =
                new ProducerRecord<>(
                        topic,
                        line.get("partition").intValue(),
                        timestamp == null || timestamp.isNull() ? null : timestamp.longValue(),
                        bytes(line.get("key")),
                        bytes(line.get("value")));
        JsonNode headers = line.get("headers");
        if (headers != null) {
            for (JsonNode header : headers) {
                record.headers().add(header.get(0).textValue(), bytes(header.get(1)));
            }
        }
        return record;
    }

    // Consume

    private static void consume(Map<String, String> options) throws Exception {
        String topic = required(options, "topic");
        long count = Long.parseLong(required(options, "count"));
        long timeoutMs = Long.parseLong(options.getOrDefault("timeout-ms", "30000"));
        long end = System.nanoTime() + timeoutMs * 1_000_000;
        long seen = 0;
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(consumerSettings(options))) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (PartitionInfo partition : consumer.partitionsFor(topic)) {
                partitions.add(new TopicPartition(topic, partition.partition()));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (seen < count) {
                if (System.nanoTime() > end) {
                    OUT.flush();
                    throw new IllegalStateException(
                            "only " + seen + " of " + count + " records within " + timeoutMs + " ms");
                }
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    print(described(record));
                    seen++;
                }
            }
        }
    }

    private static Properties consumerSettings(Map<String, String> options) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", required(options, "bootstrap"));
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", options.getOrDefault("reset", "earliest"));
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        return settings;
    }

    private static ObjectNode described(ConsumerRecord<byte[], byte[]> record) throws Exception {
        ObjectNode out = JSON.createObjectNode();
        out.put("partition", record.partition()).put("offset", record.offset()).put("timestamp", record.timestamp());
        out.put("key", base64(record.key()));
        byte[] value = record.value();
        if (value != null && value.length > VALUE_PRINTED_BYTES_MAX) {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(value);
            out.put("value_sha256", HexFormat.of().formatHex(digest)).put("value_len", value.length);
        } else {
            out.put("value", base64(value));
        }
        ArrayNode headers = out.putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(base64(header.value()));
        }
        return out;
    }

    // Group

    /** One member of a consumer group, told through stdin when to commit and when to leave. */
    private static final class Member implements ConsumerRebalanceListener {
        private static final Duration POLL = Duration.ofMillis(100);

        private final String topic;
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final BlockingQueue<String> commands = new LinkedBlockingQueue<>();
        private boolean lost;

        /** The offset after the last record printed, for each partition held. */
        private final Map<TopicPartition, OffsetAndMetadata> printed = new HashMap<>();

        Member(Map<String, String> options) {
            topic = required(options, "topic");
            Properties settings = consumerSettings(options);
            settings.put("group.id", required(options, "group"));
            settings.put("session.timeout.ms", options.getOrDefault("session-timeout-ms", "6000"));
            settings.put("heartbeat.interval.ms", "1000");
            if (options.containsKey("instance-id")) {
                settings.put("group.instance.id", options.get("instance-id"));
            }
            if (options.containsKey("assignor")) {
                settings.put("partition.assignment.strategy", assignor(options.get("assignor")));
            }
            consumer = new KafkaConsumer<>(settings);
        }

        private static String assignor(String name) {
            String simple =
                    switch (name) {
                        case "range" -> "RangeAssignor";
                        case "roundrobin" -> "RoundRobinAssignor";
                        case "sticky" -> "StickyAssignor";
                        case "cooperative-sticky" -> "CooperativeStickyAssignor";
                        default -> throw new IllegalArgumentException("unknown assignor " + name);
                    };
            return "org.apache.kafka.clients.consumer." + simple;
        }

        void run() throws Exception {
            Thread reader = new Thread(this::readCommands, "stdin");
            reader.setDaemon(true);
            reader.start();
            consumer.subscribe(Collections.singletonList(topic), this);
            while (true) {
                poll();
                String command = commands.poll();
                if (command == null) {
                    continue;
                }
                switch (command) {
                    case "commit" -> commit();
                    case "close" -> {
                        consumer.close();
                        print(JSON.createObjectNode().put("event", "closed"));
                        return;
                    }
                    default -> throw new IllegalArgumentException("unknown command " + command);
                }
            }
        }

        /** A parent that goes away closes stdin, which counts as a wish to leave. */
        private void readCommands() {
            try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (!line.isBlank()) {
                        commands.add(line.trim());
                    }
                }
            } catch (java.io.IOException e) {
                System.err.println("stdin: " + e);
            }
            commands.add("close");
        }

        private void poll() {
            ConsumerRecords<byte[], byte[]> records;
            try {
                records = consumer.poll(POLL);
            } catch (OffsetOutOfRangeException e) {
                // Each poll says so again until somebody seeks.
                if (!lost) {
                    print(JSON.createObjectNode().put("event", "lost"));
                }
                lost = true;
                return;
            }
            for (ConsumerRecord<byte[], byte[]> record : records) {
                ObjectNode out = JSON.createObjectNode().put("event", "record");
                out.put("partition", record.partition()).put("offset", record.offset()).put("key", base64(record.key()));
                print(out);
                printed.put(
                        new TopicPartition(record.topic(), record.partition()),
                        new OffsetAndMetadata(record.offset() + 1));
            }
        }

        private void commit() {
            while (true) {
                try {
                    consumer.commitSync(printed);
                    break;
                } catch (RebalanceInProgressException e) {
                    // Kafka's contract: finish the rebalance by polling, then commit what is still held.
                    poll();
                }
            }
            ObjectNode out = JSON.createObjectNode().put("event", "committed");
            ObjectNode offsets = out.putObject("offsets");
            printed.forEach((partition, next) -> offsets.put(Integer.toString(partition.partition()), next.offset()));
            print(out);
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            event("assigned", partitions);
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            event("revoked", partitions);
            printed.keySet().removeAll(partitions);
        }

        private void event(String name, Collection<TopicPartition> partitions) {
            ObjectNode out = JSON.createObjectNode().put("event", name);
            ArrayNode numbers = out.putArray("partitions");
            partitions.stream().mapToInt(TopicPartition::partition).sorted().forEach(numbers::add);
            out.put("generation", consumer.groupMetadata().generationId());
            print(out);
        }
    }

    // JSON

    private static byte[] bytes(JsonNode text) {
        return text == null || text.isNull() ? null : Base64.getDecoder().decode(text.textValue());
    }

    private static String base64(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }

    private static void print(ObjectNode object) {
        OUT.println(object);
        OUT.flush();
    }

    private Driver() {}
}
