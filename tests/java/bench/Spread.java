import java.util.Locale;
import java.util.Properties;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Spread BOOTSTRAP TOPIC PARTITIONS RECORDS RECORD_BYTES: sends records to the partitions in turn,
 * acks=all and linger.ms=5, and prints how many records per second were acknowledged.
 *
 * <p>ProducerPerformance cannot ask this: its partitioner stays with a partition until a batch is full.
 */
public final class Spread {
    public static void main(String[] args) throws Exception {
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        int records = Integer.parseInt(args[3]);
        byte[] value = new byte[Integer.parseInt(args[4])];
        new Random(1).nextBytes(value);

        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[0]);
        settings.put("acks", "all");
        settings.put("linger.ms", "5");
        settings.put("key.serializer", ByteArraySerializer.class.getName());
        settings.put("value.serializer", ByteArraySerializer.class.getName());

        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
            // A new topic's partitions come up one after the other behind metadata that already
            // lists them. One record each, however long it takes, parts their birth from the rate.
            send(producer, topic, partitions, partitions, value);
            long begin = System.nanoTime();
            send(producer, topic, partitions, records, value);
            double seconds = (System.nanoTime() - begin) / 1e9;
            System.out.printf(Locale.ROOT, "%.1f records/sec%n", records / seconds);
        }
    }

    /** Sends `records` to the partitions in turn and returns when the last is acknowledged. */
    private static void send(
            KafkaProducer<byte[], byte[]> producer, String topic, int partitions, int records, byte[] value)
            throws Exception {
        AtomicReference<Exception> failure = new AtomicReference<>();
        for (int i = 0; i < records; i++) {
            producer.send(
                    new ProducerRecord<>(topic, i % partitions, null, value),
                    (metadata, exception) -> {
                        if (exception != null) {
                            failure.compareAndSet(null, exception);
                        }
                    });
        }
        producer.flush();
        if (failure.get() != null) {
            throw failure.get();
        }
    }

    private Spread() {}
}
