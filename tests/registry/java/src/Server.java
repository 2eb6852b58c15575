import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchemaProvider;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.RestService;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.security.basicauth.UserInfoCredentialProvider;

/** The registry and the Kafka under test, and what all tests say about them. */
record Server(String registry, String bootstrap, String user, String password) {
    static final String ORDER =
            "{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"shop\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"}]}";
    static final String ORDER_WITH_NOTE = "{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"shop\",\"fields\":["
            + "{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"note\",\"type\":\"string\",\"default\":\"none\"}]}";
    static final String ORDER_WITH_TOTAL = "{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"shop\",\"fields\":["
            + "{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"total\",\"type\":\"double\"}]}";

    /** Who asks, as all of Confluent's clients are told. */
    Map<String, String> credentials() {
        return Map.of("basic.auth.credentials.source", "USER_INFO", "basic.auth.user.info", user + ":" + password);
    }

    /** A client that remembers nothing, so that each of its answers is the registry's. */
    CachedSchemaRegistryClient client() {
        return clientOf(registry);
    }

    CachedSchemaRegistryClient clientOf(String url) {
        return new CachedSchemaRegistryClient(List.of(url), 1000, List.of(new AvroSchemaProvider()), credentials());
    }

    RestService rest() {
        RestService rest = new RestService(registry);
        UserInfoCredentialProvider provider = new UserInfoCredentialProvider();
        provider.configure(Map.of("schema.registry.basic.auth.user.info", user + ":" + password));
        rest.setBasicAuthCredentialProvider(provider);
        return rest;
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

    /** The call must be refused with this code, which is or begins with the HTTP status, and this message. */
    static void refused(String what, int code, String message, Call call) throws Exception {
        Object got;
        try {
            got = call.make();
        } catch (RestClientException refusal) {
            equal(what + ", code of: " + refusal.getMessage(), refusal.getErrorCode(), code);
            equal(what + ", status", refusal.getStatus(), code < 1000 ? code : code / 100);
            if (message != null) {
                equal(what + ", message", refusal.getMessage(), message + "; error code: " + code);
            }
            return;
        }
        throw new AssertionError(what + ": was not refused but answered " + got);
    }
}
