import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;

/** Answers the lines of crates/schema/examples/verdicts.rs with what Confluent's classes say. */
public final class ConfluentVerdicts {
    private static final ObjectMapper JSON = new ObjectMapper();

    private ConfluentVerdicts() {}

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode request = JSON.readTree(line);
            ObjectNode answer = JSON.createObjectNode();
            try {
                answer(request, answer);
            } catch (RuntimeException | StackOverflowError e) {
                answer.removeAll().put("error", String.valueOf(e.getMessage()));
            }
            out.println(answer);
        }
        out.flush();
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
