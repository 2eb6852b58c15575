import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Registries that die, as seen by the ones that remain.
 *
 * <p>Members are processes of their own, because only a killed process leaves its membership behind
 * as a crash does. The member with the smaller port is the one that the election must name.
 */
final class Election {
    private static final int FIRST_PORT = 8081;
    private static final int SECOND_PORT = 8082;

    /** The first join waits for nothing but the members' own start, of which six may share two busy cores. */
    private static final long START_LIMIT_MS = 90_000;

    /** Session timeout, one heartbeat that tells the survivor to rejoin, and the margin of a busy machine. */
    private static final long TAKEOVER_LIMIT_MS = 60_000;

    private final String bootstrap;
    private final String group;
    private final List<Member> alive = new ArrayList<>();

    Election(String bootstrap, String group) {
        this.bootstrap = bootstrap;
        this.group = group;
    }

    void run() throws Exception {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> alive.forEach(Member::kill)));

        Member first = new Member(FIRST_PORT);
        Member second = new Member(SECOND_PORT);
        await("agreed", START_LIMIT_MS, FIRST_PORT, first, second);

        first.kill();
        await("survivor took over", TAKEOVER_LIMIT_MS, SECOND_PORT, second);

        Member third = new Member(FIRST_PORT);
        await("replaced", START_LIMIT_MS, FIRST_PORT, third, second);

        // The hard case: the replacement joins under its predecessor's URL while the group still
        // counts the predecessor as a member.
        third.kill();
        Member fourth = new Member(FIRST_PORT);
        await("replaced at once", TAKEOVER_LIMIT_MS + START_LIMIT_MS, FIRST_PORT, fourth, second);
        alive.forEach(Member::kill);
    }

    /** Waits until every one of `members` was told in one generation that the master is at `port`. */
    private void await(String what, long limitMs, int port, Member... members) throws Exception {
        String master = "http://127.0.0.1:" + port;
        long begin = System.nanoTime();
        while (!agree(master, members)) {
            long tookMs = (System.nanoTime() - begin) / 1_000_000;
            Probe.require(tookMs <= limitMs, what + ": not within " + limitMs + " ms");
            Thread.sleep(20);
        }
        Event.of("election").put("step", what).put("ms", (System.nanoTime() - begin) / 1_000_000).print();
    }

    private static boolean agree(String master, Member... members) {
        int generation = members[0].state().generation;
        for (Member member : members) {
            State state = member.state();
            Probe.require(state.failure == null, "member " + member.port + ": " + state.failure);
            if (!master.equals(state.master) || state.generation != generation) {
                return false;
            }
        }
        return true;
    }

    /** What a member was last told. */
    private record State(int generation, String master, String failure) {}

    /** A member in a process of its own. */
    private final class Member {
        private final int port;
        private final Process process;
        private volatile State state = new State(-1, null, null);
        private volatile boolean killed;

        Member(int port) throws IOException {
            this.port = port;
            ProcessHandle.Info self = ProcessHandle.current().info();
            process =
                    new ProcessBuilder(
                                    self.command().orElse("java"), "-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                                    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                                    "-cp", System.getProperty("java.class.path"), "Probe", "member",
                                    "--bootstrap", bootstrap, "--group", group, "--port", Integer.toString(port))
                            .redirectError(Redirect.INHERIT)
                            .start();
            alive.add(this);
            Thread watcher = new Thread(this::watch, "member-" + port);
            watcher.setDaemon(true);
            watcher.start();
        }

        State state() {
            return state;
        }

        void kill() {
            killed = true;
            process.destroyForcibly();
            try {
                process.waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private void watch() {
            ObjectMapper json = new ObjectMapper();
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    apply(json.readTree(line));
                    System.out.println("{\"member\":" + port + ",\"pid\":" + process.pid() + ",\"says\":" + line + "}");
                }
            } catch (IOException e) {
                // The pipe breaks when the process is killed.
            }
            if (!killed) {
                state = new State(state.generation, null, "ended by itself");
            }
        }

        private void apply(JsonNode event) {
            switch (event.get("event").textValue()) {
                case "assigned" -> {
                    int error = event.get("error").intValue();
                    state =
                            new State(
                                    event.get("generation").intValue(),
                                    event.path("master").textValue(),
                                    error == Elector.NO_ERROR ? null : "the assignment carries error " + error);
                }
                case "revoked" -> state = new State(state.generation, null, state.failure);
                default -> {}
            }
        }
    }
}
