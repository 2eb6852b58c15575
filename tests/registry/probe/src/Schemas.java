import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The ten schemas of the load test, and the forms of Confluent's records in `_schemas`. */
final class Schemas {
    static final String NOOP_KEY = "{\"keytype\":\"NOOP\",\"magic\":0}";

    private static final ObjectMapper JSON = new ObjectMapper();

    /** One version of one subject, as a registry stores it. `type` is null for Avro, as up to Confluent 7. */
    record Schema(String subject, int version, int id, String type, String text) {
        byte[] key() {
            ObjectNode key = JSON.createObjectNode().put("keytype", "SCHEMA").put("subject", subject);
            return key.put("version", version).put("magic", 1).toString().getBytes(StandardCharsets.UTF_8);
        }

        byte[] value() {
            ObjectNode value = JSON.createObjectNode().put("subject", subject).put("version", version).put("id", id);
            if (type != null) {
                value.put("schemaType", type);
            }
            return value.put("schema", text).put("deleted", false).toString().getBytes(StandardCharsets.UTF_8);
        }
    }

    /** Five topics, a schema for key and value of each; formats by topic index modulo three. */
    static List<Schema> ten() {
        List<Schema> all = new ArrayList<>();
        for (int topic = 0; topic < 5; topic++) {
            for (String part : new String[] {"key", "value"}) {
                String subject = "loadtest-topic-" + topic + "-" + part;
                boolean key = part.equals("key");
                int id = all.size() + 1;
                all.add(
                        switch (topic % 3) {
                            case 0 -> new Schema(subject, 1, id, null, key ? "\"string\"" : AVRO_VALUE);
                            case 1 -> new Schema(subject, 1, id, "JSON", key ? JSON_KEY : JSON_VALUE);
                            default -> new Schema(subject, 1, id, "PROTOBUF", key ? PROTOBUF_KEY : PROTOBUF_VALUE);
                        });
            }
        }
        return all;
    }

    /** A schema beyond the ten, number `n` from 0. */
    static Schema extra(int n) {
        return new Schema("loadtest-extra-" + n + "-value", 1, 11 + n, null, "\"long\"");
    }

    private static final String AVRO_VALUE =
            """
            {"type":"record","name":"LoadTestMessage","namespace":"loadtest","fields":[\
            {"name":"id","type":"string"},{"name":"timestamp","type":"long"},{"name":"producer_id","type":"int"},\
            {"name":"counter","type":"long"},{"name":"user_id","type":"string"},{"name":"event_type","type":"string"},\
            {"name":"properties","type":{"type":"map","values":"string"}}]}""";

    private static final String JSON_KEY =
            """
            {"$schema":"http://json-schema.org/draft-07/schema#","type":"string"}""";

    private static final String JSON_VALUE =
            """
            {"$schema":"http://json-schema.org/draft-07/schema#","title":"LoadTestMessage","type":"object",\
            "properties":{"id":{"type":"string"},"timestamp":{"type":"integer"},"producer_id":{"type":"integer"},\
            "counter":{"type":"integer"},"user_id":{"type":"string"},"event_type":{"type":"string"},\
            "properties":{"type":"object","additionalProperties":{"type":"string"}}}}""";

    private static final String PROTOBUF_KEY =
            """
            syntax = "proto3";
            package loadtest;

            message LoadTestKey {
              string key = 1;
            }
            """;

    private static final String PROTOBUF_VALUE =
            """
            syntax = "proto3";
            package loadtest;

            message LoadTestMessage {
              string id = 1;
              int64 timestamp = 2;
              int32 producer_id = 3;
              int64 counter = 4;
              string user_id = 5;
              string event_type = 6;
              map<string, string> properties = 7;
            }
            """;

    private Schemas() {}
}
