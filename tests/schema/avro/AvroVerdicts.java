import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

/** Answers the lines of crates/schema/examples/verdicts.rs with what Avro's own library says. */
public final class AvroVerdicts {
    private static final ObjectMapper JSON = new ObjectMapper();

    private AvroVerdicts() {}

    public static void main(String[] arguments) throws IOException {
        Lines.answer(AvroVerdicts::answer);
    }

    @SuppressWarnings("deprecation")
    private static void answer(JsonNode request, ObjectNode answer) {
        List<Schema> references = new ArrayList<>();
        Schema schema = parse(request, "schema", "references", references);
        answer.put("canonical", schema.toString(references, false));
        answer.put("resolved", schema.toString());
        if (!request.has("previous")) {
            return;
        }
        Schema previous = parse(request, "previous", "previousReferences", new ArrayList<>());
        try {
            ArrayNode reasons = JSON.createArrayNode();
            for (SchemaCompatibility.Incompatibility reason :
                    SchemaCompatibility.checkReaderWriterCompatibility(schema, previous)
                            .getResult()
                            .getIncompatibilities()) {
                reasons.addObject()
                        .put("type", reason.getType().name())
                        .put("path", reason.getLocation())
                        .put("info", reason.getMessage());
            }
            answer.set("incompatibilities", reasons);
        } catch (RuntimeException e) {
            answer.put("uncomparable", e.getMessage());
        }
    }

    private static Schema parse(JsonNode request, String text, String references, List<Schema> read) {
        Schema.Parser parser = new Schema.Parser();
        parser.setValidateDefaults(request.path("new").asBoolean());
        for (JsonNode reference : request.path(references)) {
            read.add(parser.parse(reference.get("schema").asText()));
        }
        return parser.parse(request.get(text).asText());
    }
}
