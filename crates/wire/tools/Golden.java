import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/**
 * Frames as Kafka's own classes write them, one a line: name, direction, version, variant, hex.
 *
 * <p>Arguments are NAME FIRST LAST, repeated; versions that this release lacks are left out. The
 * values are made up from the names of the fields, so they are the same in every release.
 */
public class Golden {
    /**
     * FULL: two elements an array and nothing null. NULL: one element an array, and null wherever
     * that is allowed. TAGGED: as FULL, and with every tagged field.
     */
    enum Variant { FULL, NULL, TAGGED }

    static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    static final ObjectMapper MAPPER =
        new ObjectMapper().configure(JsonParser.Feature.ALLOW_COMMENTS, true);

    final Map<String, JsonNode> structures = new HashMap<>();
    final short version;
    final Variant variant;
    boolean sawTag;

    Golden(JsonNode definition, short version, Variant variant) {
        this.version = version;
        this.variant = variant;
        for (JsonNode structure : definition.path("commonStructs")) {
            structures.put(structure.get("name").asText(), structure.get("fields"));
        }
    }

    public static void main(String[] arguments) throws Exception {
        for (int i = 0; i < arguments.length; i += 3) {
            for (String direction : new String[] {"Request", "Response"}) {
                String name = arguments[i];
                int last = Integer.parseInt(arguments[i + 2]);
                for (int v = Integer.parseInt(arguments[i + 1]); v <= last; v++) {
                    for (Variant variant : Variant.values()) {
                        print(name, direction, (short) v, variant);
                    }
                }
            }
        }
    }

    static void print(String name, String direction, short version, Variant variant)
            throws Exception {
        JsonNode definition;
        String path = "/common/message/" + name + direction + ".json";
        try (var in = Golden.class.getResourceAsStream(path)) {
            definition = in == null ? null : MAPPER.readTree(in);
        }
        if (definition == null || !has(definition.get("validVersions").asText(), version)) {
            return;
        }
        Golden golden = new Golden(definition, version, variant);
        JsonNode json = golden.structure(definition.get("fields"), 0);
        if (variant == Variant.TAGGED && !golden.sawTag) {
            return;
        }
        Class<?> converter =
            Class.forName("org.apache.kafka.common.message." + name + direction + "DataJsonConverter");
        ApiMessage body = (ApiMessage)
            converter.getMethod("read", JsonNode.class, short.class).invoke(null, json, version);
        short key = (short) definition.get("apiKey").asInt();
        ApiKeys api = ApiKeys.forId(key);
        byte[] header;
        if (direction.equals("Request")) {
            RequestHeaderData data = new RequestHeaderData().setRequestApiKey(key)
                .setRequestApiVersion(version).setCorrelationId(7).setClientId("golden");
            header = bytes(data, api.requestHeaderVersion(version));
        } else {
            ResponseHeaderData data = new ResponseHeaderData().setCorrelationId(7);
            header = bytes(data, api.responseHeaderVersion(version));
        }
        HexFormat hex = HexFormat.of();
        System.out.println(String.join(" ", name, direction.toLowerCase(), Short.toString(version),
            variant.name().toLowerCase(), hex.formatHex(header) + hex.formatHex(bytes(body, version))));
    }

    static byte[] bytes(ApiMessage message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        return buffer.array();
    }

    JsonNode structure(JsonNode fields, int index) {
        ObjectNode out = JSON.objectNode();
        for (JsonNode field : fields) {
            String versions = field.get(field.has("tag") ? "taggedVersions" : "versions").asText();
            if (!has(versions, version)) {
                continue;
            }
            sawTag |= field.has("tag");
            if (!field.has("tag") || variant == Variant.TAGGED) {
                String name = field.get("name").asText();
                out.set(name.substring(0, 1).toLowerCase() + name.substring(1), value(field, index));
            }
        }
        return out;
    }

    JsonNode value(JsonNode field, int index) {
        JsonNode nullable = field.path("nullableVersions");
        if (variant == Variant.NULL && nullable.isTextual() && has(nullable.asText(), version)) {
            return JSON.nullNode();
        }
        String type = field.get("type").asText();
        if (!type.startsWith("[]")) {
            return scalar(field, type, index);
        }
        ArrayNode array = JSON.arrayNode();
        for (int i = 0; i < (variant == Variant.NULL ? 1 : 2); i++) {
            array.add(scalar(field, type.substring(2), i));
        }
        return array;
    }

    JsonNode scalar(JsonNode field, String type, int index) {
        String name = field.get("name").asText();
        int number = Math.floorMod(name.hashCode(), 90) + 10 + index;
        return switch (type) {
            case "bool" -> JSON.booleanNode(index == 0);
            case "int8", "int16", "uint16" -> JSON.numberNode(number);
            case "int32", "uint32" -> JSON.numberNode(number * 1_000_003);
            case "int64" -> JSON.numberNode(number * 1_000_000_000_007L);
            case "float64" -> JSON.numberNode(number + 0.5);
            case "uuid" -> JSON.textNode(new Uuid(number * 0x0101010101010101L, number).toString());
            case "string" -> JSON.textNode(name + "-\u00e9" + index);
            case "bytes", "records" -> JSON.binaryNode(new byte[] {1, 2, (byte) number});
            default -> structure(field.has("fields") ? field.get("fields") : structures.get(type), index);
        };
    }

    static boolean has(String versions, short version) {
        if (versions.equals("none")) {
            return false;
        }
        String[] ends = versions.split("[-+]");
        int first = Integer.parseInt(ends[0]);
        int last = versions.endsWith("+") ? Short.MAX_VALUE : ends.length > 1 ? Integer.parseInt(ends[1]) : first;
        return first <= version && version <= last;
    }
}
