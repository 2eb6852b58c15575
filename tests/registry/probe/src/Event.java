import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** One line of the probe's answer: a JSON object with its kind under `event`. */
final class Event {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final ObjectNode fields = JSON.createObjectNode();

    private Event(String kind) {
        fields.put("event", kind);
    }

    static Event of(String kind) {
        return new Event(kind);
    }

    Event put(String name, long value) {
        fields.put(name, value);
        return this;
    }

    Event put(String name, boolean value) {
        fields.put(name, value);
        return this;
    }

    Event put(String name, String value) {
        fields.put(name, value);
        return this;
    }

    Event set(String name, JsonNode value) {
        fields.set(name, value);
        return this;
    }

    /** Threads print whole lines: several of the probe's threads have something to say. */
    void print() {
        synchronized (OUT) {
            OUT.println(fields);
        }
    }
}
