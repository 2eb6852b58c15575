import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeTopicsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A registry's store over the topic `_schemas`, with the settings and in the order of Confluent's.
 *
 * <p>A write is done when the store's own reader has come to the offset that the Produce response
 * named. A broker that answers a wrong offset, or that lets a Fetch sleep while a record arrives,
 * fails here as it fails under the registry.
 */
final class SchemaStore implements AutoCloseable {
    /** Confluent's `kafkastore.init.timeout.ms`. */
    static final long INIT_TIMEOUT_MS = 60_000;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final String topic;
    private final KafkaProducer<byte[], byte[]> producer;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Thread reader;

    // Guarded by `this`.
    private long lastReadOffset = -1;
    private long gaps;
    private Throwable readerFailure;
    private final Map<String, JsonNode> bySubjectVersion = new HashMap<>();
    private final Map<Integer, JsonNode> byId = new HashMap<>();

    SchemaStore(String bootstrap, String topic, int port) throws Exception {
        this.topic = topic;
        try (Admin admin = Admin.create(Collections.singletonMap("bootstrap.servers", (Object) bootstrap))) {
            Event.of("cluster").put("id", clusterId(admin)).print();
            createOrVerify(admin);
        }
        producer = new KafkaProducer<>(producerSettings(bootstrap));
        consumer = new KafkaConsumer<>(consumerSettings(bootstrap, port));
        TopicPartition partition = new TopicPartition(topic, 0);
        consumer.assign(Collections.singletonList(partition));
        consumer.seekToBeginning(Collections.singletonList(partition));
        reader = new Thread(this::read, "reader");
        reader.setDaemon(true);
        reader.start();
    }

    private static Properties producerSettings(String bootstrap) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("acks", "-1");
        settings.put("enable.idempotence", "true");
        settings.put("key.serializer", ByteArraySerializer.class.getName());
        settings.put("value.serializer", ByteArraySerializer.class.getName());
        return settings;
    }

    private Properties consumerSettings(String bootstrap, int port) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("group.id", "schema-registry-127.0.0.1-" + port);
        settings.put("client.id", "KafkaStore-reader-" + topic);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        return settings;
    }

    // The topic

    private static String clusterId(Admin admin) throws Exception {
        String id = admin.describeCluster().clusterId().get(INIT_TIMEOUT_MS, TimeUnit.MILLISECONDS);
        if (id == null || id.isEmpty()) {
            throw new IllegalStateException("the cluster has no id");
        }
        return id;
    }

    private void createOrVerify(Admin admin) throws Exception {
        if (!admin.listTopics().names().get(INIT_TIMEOUT_MS, TimeUnit.MILLISECONDS).contains(topic)) {
            int nodes = admin.describeCluster().nodes().get(INIT_TIMEOUT_MS, TimeUnit.MILLISECONDS).size();
            NewTopic wanted = new NewTopic(topic, 1, (short) Math.min(nodes, 3));
            wanted.configs(Collections.singletonMap("cleanup.policy", "compact"));
            try {
                admin.createTopics(Collections.singleton(wanted)).all().get(INIT_TIMEOUT_MS, TimeUnit.MILLISECONDS);
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw e;
                }
            }
        }
        // Confluent's store verifies only a topic that it found; the probe always does.
        verifyPartitions(admin);
        verifyCleanupPolicy(admin);
    }

    private void verifyPartitions(Admin admin) throws Exception {
        DescribeTopicsResult result = admin.describeTopics(Collections.singleton(topic));
        // all() left with 4.0, and allTopicNames() is not there before 3.1.
        String method = hasMethod(result, "allTopicNames") ? "allTopicNames" : "all";
        KafkaFuture<?> descriptions = (KafkaFuture<?>) result.getClass().getMethod(method).invoke(result);
        Map<?, ?> byName = (Map<?, ?>) descriptions.get(INIT_TIMEOUT_MS, TimeUnit.MILLISECONDS);
        int count = ((TopicDescription) byName.get(topic)).partitions().size();
        if (count != 1) {
            throw new IllegalStateException(topic + " has " + count + " partitions");
        }
    }

    private static boolean hasMethod(Object object, String name) {
        return Arrays.stream(object.getClass().getMethods()).anyMatch(method -> method.getName().equals(name));
    }

    private void verifyCleanupPolicy(Admin admin) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Config config =
                admin.describeConfigs(Collections.singleton(resource))
                        .all()
                        .get(INIT_TIMEOUT_MS, TimeUnit.MILLISECONDS)
                        .get(resource);
        ConfigEntry policy = config.get("cleanup.policy");
        if (policy == null) {
            throw new IllegalStateException("describeConfigs does not list cleanup.policy");
        }
        if (!policy.value().equals("compact")) {
            throw new IllegalStateException("cleanup.policy is " + policy.value());
        }
    }

    // Writing

    /** Writes a NOOP and waits for it, which brings the reader to the end of the topic. */
    long catchUp(long timeoutMs) throws Exception {
        return writeAndWait(Schemas.NOOP_KEY.getBytes(StandardCharsets.UTF_8), null, timeoutMs);
    }

    /** The ack and the read-back each have the whole of `timeoutMs`, as in Confluent's store. */
    long writeAndWait(byte[] key, byte[] value, long timeoutMs) throws Exception {
        RecordMetadata metadata =
                producer.send(new ProducerRecord<>(topic, 0, key, value)).get(timeoutMs, TimeUnit.MILLISECONDS);
        waitUntil(metadata.offset(), timeoutMs);
        return metadata.offset();
    }

    private synchronized void waitUntil(long offset, long timeoutMs) throws Exception {
        long end = System.nanoTime() + timeoutMs * 1_000_000;
        while (lastReadOffset < offset) {
            if (readerFailure != null) {
                throw new IllegalStateException("the reader died", readerFailure);
            }
            long leftMs = (end - System.nanoTime()) / 1_000_000;
            if (leftMs <= 0) {
                throw new IllegalStateException(
                        "the reader is at " + lastReadOffset + ", not at " + offset + ", after " + timeoutMs + " ms");
            }
            wait(leftMs);
        }
    }

    // Reading

    private void read() {
        try {
            while (true) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(Long.MAX_VALUE))) {
                    Event.of("offset").put("offset", record.offset()).print();
                    apply(record);
                }
            }
        } catch (WakeupException e) {
            // close() asked for it.
        } catch (Exception e) {
            synchronized (this) {
                readerFailure = e;
                notifyAll();
            }
        } finally {
            consumer.close();
        }
    }

    private synchronized void apply(ConsumerRecord<byte[], byte[]> record) throws IOException {
        if (record.offset() != lastReadOffset + 1) {
            gaps++;
        }
        JsonNode key = JSON.readTree(record.key());
        if (key.get("keytype").textValue().equals("SCHEMA")) {
            JsonNode value = JSON.readTree(record.value());
            bySubjectVersion.put(slot(key.get("subject").textValue(), key.get("version").intValue()), value);
            byId.put(value.get("id").intValue(), value);
        }
        lastReadOffset = record.offset();
        notifyAll();
    }

    private static String slot(String subject, int version) {
        return version + " " + subject;
    }

    // Questions

    /** Whether the store holds exactly this schema, both by its id and by subject and version. */
    synchronized boolean holds(Schemas.Schema schema) throws IOException {
        JsonNode wanted = JSON.readTree(schema.value());
        return wanted.equals(byId.get(schema.id()))
                && wanted.equals(bySubjectVersion.get(slot(schema.subject(), schema.version())));
    }

    /** How many records the reader has seen, when they began at 0 and none was missing; else -1. */
    synchronized long offsetsWithoutGap() {
        return gaps == 0 ? lastReadOffset + 1 : -1;
    }

    @Override
    public void close() throws InterruptedException {
        consumer.wakeup();
        reader.join(10_000);
        producer.close();
    }
}
