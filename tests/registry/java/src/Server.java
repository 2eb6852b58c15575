import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchemaProvider;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.RestService;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;

/** The registry and the Kafka under test, and what all tests say about them. */
record Server(String registry, String bootstrap) {
    static final String ORDER =
            "{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"shop\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"}]}";
    static final String ORDER_WITH_NOTE = "{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"shop\",\"fields\":["
            + "{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"note\",\"type\":\"string\",\"default\":\"none\"}]}";
    static final String ORDER_WITH_TOTAL = "{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"shop\",\"fields\":["
            + "{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"total\",\"type\":\"double\"}]}";

    /** A client that remembers nothing, so that each of its answers is the registry's. */
    CachedSchemaRegistryClient client() {
        return new CachedSchemaRegistryClient(List.of(registry), 1000, List.of(new AvroSchemaProvider()), Map.of());
    }

    RestService rest() {
        return new RestService(registry);
    }

    static AvroSchema avro(String text) {
        return new AvroSchema(text);
    }

    /** A call to the registry. */
    interface Call {
        Object make() throws Exception;
    }

    static void equal(String what, Object got, Object want) {
        if (!Objects.equals(got, want)) {
            throw new AssertionError(what + ": got " + got + ", want " + want);
        }
    }

    static void holds(String what, boolean holds) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** The call must be refused with this code, whose first three digits are the HTTP status, and this message. */
    static void refused(String what, int code, String message, Call call) throws Exception {
        Object got;
        try {
            got = call.make();
        } catch (RestClientException refusal) {
            equal(what + ", code of: " + refusal.getMessage(), refusal.getErrorCode(), code);
            equal(what + ", status", refusal.getStatus(), code / 100);
            if (message != null) {
                equal(what + ", message", refusal.getMessage(), message + "; error code: " + code);
            }
            return;
        }
        throw new AssertionError(what + ": was not refused but answered " + got);
    }
}
