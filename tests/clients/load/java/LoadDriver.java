import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The load test's driver of Apache Kafka's client for Java. The README beside it describes commands and events. */
public final class LoadDriver {
    /** What one line holds at most, so that the first of many is not told with the last. */
    private static final int BATCH_MAX = 500;

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final OutputStream OUT =
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 20);

    public static void main(String[] args) throws Exception {
        JSON.getFactory().disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
        emit(event("hello", -1).put("client", "kafka-clients " + System.getProperty("clients.version")).put("protocol", 1));
        Map<Integer, BlockingQueue<JsonNode>> handles = new HashMap<>();
        try (MappingIterator<JsonNode> commands =
                JSON.readerFor(JsonNode.class).readValues(new BufferedInputStream(System.in, 1 << 20))) {
            while (commands.hasNextValue()) {
                JsonNode command = commands.nextValue();
                int id = command.get("id").asInt();
                boolean closes = command.get("do").asText().equals("close");
                BlockingQueue<JsonNode> handle = closes ? handles.remove(id) : handles.get(id);
                if (handle == null) {
                    // Without a limit, so that one that waits for its client does not hold up the others: the load
                    // test limits what it sends.
                    handle = new LinkedBlockingQueue<>();
                    handles.put(id, handle);
                    start(id, handle);
                }
                handle.put(command);
            }
        }
        // Threads of clients that nobody closed would keep the process.
        System.exit(0);
    }

    private static void start(int id, BlockingQueue<JsonNode> commands) {
        Thread thread = new Thread(() -> {
            try {
                serve(id, commands);
            } catch (Exception error) {
                error.printStackTrace();
                System.exit(1);
            }
        });
        thread.setName("handle-" + id);
        thread.setDaemon(true);
        thread.start();
    }

    /** Obeys the commands of one id. */
    private static void serve(int id, BlockingQueue<JsonNode> commands) throws Exception {
        JsonNode first = commands.take();
        String what = first.get("do").asText();
        Handle handle;
        try {
            handle = what.equals("producer") ? new Producer(id, first) : new Consumer(id, first);
        } catch (KafkaException error) {
            emit(event("failed", id).put("do", what).set("error", described(error)));
            return;
        }
        emit(event("done", id).put("do", what));
        for (JsonNode command = commands.take(); ; command = commands.take()) {
            String verb = command.get("do").asText();
            if (verb.equals("close")) {
                handle.close();
                emit(event("closed", id));
                return;
            }
            handle.obey(verb, command);
        }
    }

    private interface Handle {
        void obey(String verb, JsonNode command) throws Exception;

        void close() throws Exception;
    }

    // ---------------------------------------------------------------------- producer

    private static final class Producer implements Handle {
        private final int id;
        private final KafkaProducer<byte[], byte[]> producer;
        private final BlockingQueue<long[]> acks = new ArrayBlockingQueue<>(10 * BATCH_MAX);
        private final Thread telling;

        Producer(int id, JsonNode command) {
            this.id = id;
            JsonNode given = command.get("config");
            Map<String, Object> config = common(given);
            copy(given, config, "linger.ms", "linger.ms", "queue.buffering.max.ms");
            copy(given, config, "compression.type", "compression.codec", "compression.type");
            copy(given, config, "enable.idempotence", "enable.idempotence");
            copy(given, config, "acks", "acks", "request.required.acks");
            copy(given, config, "delivery.timeout.ms", "message.timeout.ms", "delivery.timeout.ms");
            copy(given, config, "max.in.flight.requests.per.connection", "max.in.flight.requests.per.connection",
                    "max.in.flight");
            copy(given, config, "batch.size", "batch.size");
            if (command.hasNonNull("transactional_id")) {
                config.put("transactional.id", command.get("transactional_id").asText());
            }
            long linger = (long) Double.parseDouble(config.getOrDefault("linger.ms", "0").toString());
            config.put("linger.ms", linger);
            if (config.containsKey("delivery.timeout.ms")) {
                long delivery = Long.parseLong(config.get("delivery.timeout.ms").toString());
                // It must not be less than a request's timeout and the linger together.
                config.put("request.timeout.ms", (int) Math.max(1, Math.min(30_000, delivery - linger)));
                config.put("max.block.ms", delivery);
            }
            config.put("buffer.memory", 128L << 20);
            producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
            telling = new Thread(this::tellAcks);
            telling.setDaemon(true);
            telling.start();
        }

        @Override
        public void obey(String verb, JsonNode command) throws Exception {
            if (verb.equals("send")) {
                for (JsonNode record : command.get("records")) {
                    send(record);
                }
                return;
            }
            try {
                switch (verb) {
                    case "init" -> producer.initTransactions();
                    case "begin" -> producer.beginTransaction();
                    case "commit" -> producer.commitTransaction();
                    case "abort" -> producer.abortTransaction();
                    default -> throw new IllegalArgumentException("unknown command " + verb);
                }
                emit(event("done", id).put("do", verb));
            } catch (KafkaException | IllegalStateException error) {
                emit(event("failed", id).put("do", verb).set("error", described(error)));
            }
        }

        private void send(JsonNode record) throws IOException {
            Integer partition = record.hasNonNull("partition") ? record.get("partition").asInt() : null;
            ProducerRecord<byte[], byte[]> out = new ProducerRecord<>(
                    record.get("topic").asText(), partition, record.get("timestamp").asLong(),
                    bytes(record.get("key")), bytes(record.get("value")));
            for (JsonNode header : record.get("headers")) {
                out.headers().add(header.get(0).asText(), bytes(header.get(1)));
            }
            long token = record.get("token").asLong();
            try {
                producer.send(out, (metadata, error) -> {
                    if (error != null) {
                        undelivered(token, error);
                    } else {
                        put(new long[] {token, metadata.partition(), metadata.hasOffset() ? metadata.offset() : -1});
                    }
                });
            } catch (KafkaException | IllegalStateException error) {
                undelivered(token, error);
            }
        }

        private void undelivered(long token, Exception error) {
            ObjectNode event = event("undelivered", id).put("token", token);
            event.set("error", described(error));
            emit(event.put("maybe_written", !(error instanceof RecordTooLargeException)));
        }

        private void put(long[] ack) {
            try {
                acks.put(ack);
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
        }

        private void tellAcks() {
            List<long[]> some = new ArrayList<>();
            try {
                while (true) {
                    some.add(acks.take());
                    acks.drainTo(some, BATCH_MAX - 1);
                    ObjectNode event = event("delivered", id);
                    ArrayNode told = event.putArray("acks");
                    boolean last = false;
                    for (long[] ack : some) {
                        last |= ack.length == 0;
                        if (ack.length > 0) {
                            told.addArray().add(ack[0]).add(ack[1]).add(ack[2]);
                        }
                    }
                    some.clear();
                    if (!told.isEmpty()) {
                        emit(event);
                    }
                    if (last) {
                        return;
                    }
                }
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
        }

        @Override
        public void close() throws Exception {
            producer.close(Duration.ZERO);
            put(new long[0]);
            telling.join();
        }
    }

    // ---------------------------------------------------------------------- consumer

    private static final class Consumer implements Handle, ConsumerRebalanceListener {
        private final int id;
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final Thread reading;
        private volatile boolean closing;

        Consumer(int id, JsonNode command) {
            this.id = id;
            JsonNode given = command.get("config");
            Map<String, Object> config = common(given);
            config.put("auto.offset.reset", "earliest");
            copy(given, config, "isolation.level", "isolation.level");
            copy(given, config, "session.timeout.ms", "session.timeout.ms");
            copy(given, config, "heartbeat.interval.ms", "heartbeat.interval.ms");
            copy(given, config, "enable.auto.commit", "enable.auto.commit");
            copy(given, config, "auto.commit.interval.ms", "auto.commit.interval.ms");
            copy(given, config, "fetch.max.wait.ms", "fetch.wait.max.ms", "fetch.max.wait.ms");
            copy(given, config, "max.poll.interval.ms", "max.poll.interval.ms");
            boolean inGroup = command.hasNonNull("group");
            if (inGroup) {
                config.put("group.id", command.get("group").asText());
            } else {
                config.put("enable.auto.commit", "false");
            }
            consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
            if (inGroup) {
                List<String> topics = new ArrayList<>();
                command.get("topics").forEach(topic -> topics.add(topic.asText()));
                consumer.subscribe(topics, this);
            } else {
                List<TopicPartition> places = new ArrayList<>();
                for (JsonNode place : command.get("partitions")) {
                    places.add(new TopicPartition(place.get(0).asText(), place.get(1).asInt()));
                }
                consumer.assign(places);
                consumer.seekToBeginning(places);
            }
            reading = new Thread(this::read);
            reading.start();
        }

        private void read() {
            while (!closing) {
                try {
                    tell(consumer.poll(Duration.ofMillis(500)));
                } catch (WakeupException error) {
                    break;
                } catch (KafkaException error) {
                    emit(event("trouble", id).set("error", described(error)));
                    pause();
                }
            }
            try {
                consumer.close(CLOSE_TIMEOUT);
            } catch (KafkaException error) {
                emit(event("trouble", id).set("error", described(error)));
            }
        }

        private static void pause() {
            try {
                Thread.sleep(100);
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
        }

        private void tell(ConsumerRecords<byte[], byte[]> records) {
            ObjectNode event = event("records", id);
            ArrayNode told = event.putArray("records");
            for (ConsumerRecord<byte[], byte[]> record : records) {
                ObjectNode one = told.addObject()
                        .put("topic", record.topic())
                        .put("partition", record.partition())
                        .put("offset", record.offset())
                        .put("timestamp", record.timestamp())
                        .put("appended", record.timestampType() == TimestampType.LOG_APPEND_TIME)
                        .put("key", record.key())
                        .put("value", record.value());
                ArrayNode headers = one.putArray("headers");
                for (Header header : record.headers()) {
                    headers.addArray().add(header.key()).add(header.value());
                }
                if (told.size() == BATCH_MAX) {
                    emit(event);
                    told.removeAll();
                }
            }
            if (!told.isEmpty()) {
                emit(event);
            }
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> places) {
            changed("assigned", places);
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> places) {
            changed("revoked", places);
        }

        private void changed(String what, Collection<TopicPartition> places) {
            if (places.isEmpty()) {
                return;
            }
            ObjectNode event = event(what, id);
            ArrayNode told = event.putArray("partitions");
            places.forEach(place -> told.addArray().add(place.topic()).add(place.partition()));
            emit(event);
        }

        @Override
        public void obey(String verb, JsonNode command) {
            throw new IllegalArgumentException("a consumer is not told to " + verb);
        }

        @Override
        public void close() throws Exception {
            closing = true;
            consumer.wakeup();
            reading.join();
        }
    }

    // ---------------------------------------------------------------------- shared

    private static Map<String, Object> common(JsonNode given) {
        Map<String, Object> config = new LinkedHashMap<>();
        copy(given, config, "bootstrap.servers", "bootstrap.servers", "metadata.broker.list");
        copy(given, config, "client.id", "client.id");
        config.put("reconnect.backoff.max.ms", "1000");
        return config;
    }

    /** Takes the first of the given properties that is there, under the client's name. */
    private static void copy(JsonNode given, Map<String, Object> config, String name, String... names) {
        for (String one : names) {
            if (given.hasNonNull(one)) {
                config.put(name, given.get(one).asText());
                return;
            }
        }
    }

    private static byte[] bytes(JsonNode text) throws IOException {
        return text == null || text.isNull() ? null : text.binaryValue();
    }

    private static ObjectNode described(Throwable error) {
        Throwable cause = error;
        // A producer wraps what the broker said.
        while (!(cause instanceof ApiException) && cause.getCause() != null) {
            cause = cause.getCause();
        }
        Errors code = Errors.forException(cause);
        String name = code.name();
        if (cause instanceof TimeoutException) {
            name = "_TIMED_OUT";
        } else if (code == Errors.UNKNOWN_SERVER_ERROR) {
            name = "_" + cause.getClass().getSimpleName();
        }
        boolean fatal = cause instanceof ProducerFencedException
                || cause instanceof OutOfOrderSequenceException
                || cause instanceof InvalidProducerEpochException;
        return JSON.createObjectNode().put("code", name).put("message", String.valueOf(error.getMessage()))
                .put("fatal", fatal);
    }

    private static ObjectNode event(String name, int id) {
        ObjectNode event = JSON.createObjectNode().put("event", name);
        return id < 0 ? event : event.put("id", id);
    }

    private static void emit(JsonNode event) {
        try {
            byte[] line = JSON.writeValueAsBytes(event);
            synchronized (OUT) {
                OUT.write(line);
                OUT.write('\n');
                OUT.flush();
            }
        } catch (IOException error) {
            // Nobody is there to hear of it: the load test is gone.
            Runtime.getRuntime().halt(1);
        }
    }
}
