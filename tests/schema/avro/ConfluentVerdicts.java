import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;

/** Answers the lines of crates/schema/examples/verdicts.rs with what Confluent's classes say. */
public final class ConfluentVerdicts {
    private ConfluentVerdicts() {}

    public static void main(String[] arguments) throws IOException {
        Lines.answer(ConfluentVerdicts::answer);
    }

    private static void answer(JsonNode request, ObjectNode answer) {
        AvroSchema schema = parse(request, "schema", "references");
        answer.put("canonical", schema.canonicalString());
        answer.put("resolved", schema.formattedString("resolved"));
        // A normal form that cannot be read again is of no use to the registry either.
        try {
            answer.put("normalized", schema.normalize().canonicalString());
        } catch (RuntimeException e) {
            answer.put("normalizationFailed", String.valueOf(e.getMessage()));
        }
        if (request.has("previous")) {
            AvroSchema previous = parse(request, "previous", "previousReferences");
            ArrayNode reasons = answer.putArray("incompatibilities");
            for (String reason : schema.isBackwardCompatible(previous)) {
                // As the registry fills in the words where the new schema is the reader.
                reasons.add(String.format(reason, "new", "old"));
            }
        }
    }

    private static AvroSchema parse(JsonNode request, String text, String references) {
        Map<String, String> resolved = new LinkedHashMap<>();
        for (JsonNode reference : request.path(references)) {
            resolved.put(reference.get("name").asText(), reference.get("schema").asText());
        }
        boolean isNew = request.path("new").asBoolean();
        return new AvroSchema(
                request.get(text).asText(), Collections.emptyList(), resolved, null, isNew);
    }
}
