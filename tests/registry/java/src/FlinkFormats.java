import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.apache.flink.avro.shaded.org.apache.avro.Schema;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericData;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericRecord;
import org.apache.flink.formats.avro.registry.confluent.ConfluentRegistryAvroDeserializationSchema;
import org.apache.flink.formats.avro.registry.confluent.ConfluentRegistryAvroSerializationSchema;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Flink's avro-confluent format: records through a topic, read with a newer schema than some were written with. */
public final class FlinkFormats {
    private final Server server;

    FlinkFormats(Server server) {
        this.server = server;
    }

    public void flinkReadsWithANewerSchemaWhatWasWrittenWithBoth() throws Exception {
        String topic = "flink-orders";
        String subject = topic + "-value";
        Schema older = new Schema.Parser().parse(Server.ORDER);
        Schema newer = new Schema.Parser().parse(Server.ORDER_WITH_NOTE);
        List<byte[]> written = new ArrayList<>();
        for (long id = 0; id < 10; id++) {
            GenericRecord order = new GenericData.Record(id < 5 ? older : newer);
            order.put("id", id);
            if (id >= 5) {
                order.put("note", "note " + id);
            }
            written.add(ConfluentRegistryAvroSerializationSchema.forGeneric(subject, order.getSchema(), server.registry(), server.credentials()).serialize(order));
        }
        Server.equal("versions", server.client().getAllVersions(subject), List.of(1, 2));
        int firstId = server.client().getId(subject, Server.avro(Server.ORDER));
        int secondId = server.client().getId(subject, Server.avro(Server.ORDER_WITH_NOTE));

        List<byte[]> read = throughTopic(topic, written);
        var deserializer = ConfluentRegistryAvroDeserializationSchema.forGeneric(newer, server.registry(), server.credentials());
        for (int i = 0; i < 10; i++) {
            ByteBuffer value = ByteBuffer.wrap(read.get(i));
            Server.equal("magic byte", value.get(), (byte) 0);
            Server.equal("schema id", value.getInt(), i < 5 ? firstId : secondId);
            GenericRecord order = deserializer.deserialize(read.get(i));
            Server.equal("id", order.get("id"), (long) i);
            Server.equal("note", order.get("note").toString(), i < 5 ? "none" : "note " + i);
        }
    }

    public void flinkDoesNotReadAnIdThatIsNotThere() throws Exception {
        byte[] value = ByteBuffer.allocate(6).put((byte) 0).putInt(2_000_000_000).put((byte) 2).array();
        Schema schema = new Schema.Parser().parse(Server.ORDER);
        var deserializer = ConfluentRegistryAvroDeserializationSchema.forGeneric(schema, server.registry(), server.credentials());
        String why = "";
        try {
            deserializer.deserialize(value);
        } catch (java.io.IOException refusal) {
            why = refusal + " " + refusal.getCause();
        }
        Server.holds("why: " + why, why.contains("2000000000 not found"));
    }

    private List<byte[]> throughTopic(String topic, List<byte[]> values) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", server.bootstrap());
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (byte[] value : values) {
                producer.send(new ProducerRecord<byte[], byte[]>(topic, 0, null, value)).get();
            }
        }
        List<byte[]> read = new ArrayList<>();
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = List.of(new TopicPartition(topic, 0));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (read.size() < values.size()) {
                Server.holds("read " + read.size() + " records in time", System.nanoTime() < end);
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                    read.add(record.value());
                }
            }
        }
        return read;
    }
}
