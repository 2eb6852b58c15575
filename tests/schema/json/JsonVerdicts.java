// JSON Schemas as the libraries read them that Confluent's registry is made of, and as Apicurio's registry
// compares them. JSON lines go in and come out:
//
//   {"schema":"...","references":[{"name":"...","schema":"..."}],"previous":"..."}
//   {"canonical":"...","normalized":"...","error":"...","compatible":true,"differences":["..."]}
//
// Up to draft 7 everit reads a schema, from 2019-09 on json-sKema does; a text they refuse has an `error`.
// With `previous`, a schema of a draft up to 7 is also compared by Apicurio's rules.

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.erosb.jsonsKema.JsonParser;
import com.github.erosb.jsonsKema.SchemaLoaderConfig;
import io.apicurio.registry.rules.compatibility.jsonschema.JsonSchemaDiffLibrary;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.everit.json.schema.Schema;
import org.everit.json.schema.loader.SchemaLoader;
import org.everit.json.schema.loader.internal.ReferenceResolver;
import org.json.JSONObject;
import org.json.JSONTokener;

public class JsonVerdicts {
    private static final ObjectMapper AS_WRITTEN = mapper(new JsonNodeFactory(true));
    private static final ObjectMapper SORTED = mapper(new Sorting());

    // json-sKema would fetch this one; it takes nothing from it.
    private static final Map<URI, String> METASCHEMAS =
            Map.of(URI.create("https://json-schema.org/draft/2019-09/schema"), "{}");

    private static class Sorting extends JsonNodeFactory {
        private static final long serialVersionUID = 1;

        Sorting() {
            super(true);
        }

        @Override
        public ObjectNode objectNode() {
            return new ObjectNode(this, new TreeMap<>());
        }
    }

    private static ObjectMapper mapper(JsonNodeFactory nodes) {
        ObjectMapper mapper = new ObjectMapper();
        mapper.enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);
        mapper.setNodeFactory(nodes);
        return mapper;
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(answer(AS_WRITTEN.readTree(line)));
        }
        out.flush();
    }

    private static ObjectNode answer(JsonNode request) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        String text = request.get("schema").asText();
        try {
            JsonNode node = AS_WRITTEN.readTree(text);
            answer.put("canonical", AS_WRITTEN.writeValueAsString(node));
            answer.put("normalized", SORTED.writeValueAsString(SORTED.readTree(text)));
            load(node, request.path("references"));
        } catch (Throwable problem) {
            return answer.put("error", String.valueOf(problem));
        }
        if (request.has("previous")) {
            compare(request.get("previous").asText(), text, answer);
        }
        return answer;
    }

    private static void load(JsonNode node, JsonNode references) throws Exception {
        if (node.isBoolean()) {
            return;
        }
        String text = AS_WRITTEN.writeValueAsString(node);
        if (node.path("$schema").asText().contains("json-schema.org/draft/20")) {
            Map<URI, String> texts = new HashMap<>(METASCHEMAS);
            for (JsonNode reference : references) {
                String name = reference.get("name").asText();
                texts.put(URI.create(name), reference.get("schema").asText());
                if (!URI.create(name).isAbsolute() && !name.startsWith(".")) {
                    texts.put(URI.create("./" + name), reference.get("schema").asText());
                }
            }
            var config = SchemaLoaderConfig.createDefaultConfig(texts);
            new com.github.erosb.jsonsKema.SchemaLoader(new JsonParser(text).parse(), config).load();
        } else {
            loadClassic(text, node, references);
        }
    }

    private static Schema loadClassic(String text, JsonNode node, JsonNode references) {
        JSONObject json = new JSONObject(new JSONTokener(text));
        var builder = SchemaLoader.builder().useDefaults(true).draftV7Support().schemaJson(json);
        String keyword = node.path("$schema").asText().contains("draft-04") ? "id" : "$id";
        URI base = node.has(keyword) ? ReferenceResolver.resolve((URI) null, node.get(keyword).asText()) : null;
        for (JsonNode reference : references) {
            URI uri = ReferenceResolver.resolve(base, reference.get("name").asText());
            builder.registerSchemaByURI(uri, new JSONObject(new JSONTokener(reference.get("schema").asText())));
        }
        return builder.build().load().build();
    }

    private static Schema plain(String text) throws Exception {
        return loadClassic(text, AS_WRITTEN.readTree(text), JsonNodeFactory.instance.arrayNode());
    }

    private static void compare(String previous, String text, ObjectNode answer) {
        try {
            var context = JsonSchemaDiffLibrary.findDifferences(plain(previous), plain(text));
            answer.put("compatible", context.foundAllDifferencesAreCompatible());
            var differences = answer.putArray("differences");
            for (var difference : context.getIncompatibleDifferences()) {
                differences.add(difference.getDiffType() + " " + difference.getPathUpdated());
            }
        } catch (Throwable problem) {
            answer.put("problem", String.valueOf(problem));
        }
    }
}
