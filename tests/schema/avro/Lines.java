import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.function.BiConsumer;

/** Answers the lines of crates/schema/examples/verdicts.rs, one JSON object for each. */
final class Lines {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Lines() {}

    /** Lets {@code library} write what it says of each request; what it throws is its answer too. */
    static void answer(BiConsumer<JsonNode, ObjectNode> library) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode request = JSON.readTree(line);
            ObjectNode answer = JSON.createObjectNode();
            try {
                library.accept(request, answer);
            } catch (RuntimeException | StackOverflowError e) {
                answer.removeAll().put("error", String.valueOf(e.getMessage()));
            }
            out.println(answer);
        }
        out.flush();
    }
}
