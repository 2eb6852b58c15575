import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What Confluent's schema registry asks of a broker, without the registry.
 *
 * <pre>
 * run     --bootstrap B   an empty `_schemas`: registers the ten schemas, finds 10/10, sees 0,1,...,11
 * verify  --bootstrap B [--offsets N]   a fresh start: re-reads everything and finds 10/10
 * live    --bootstrap B   as run; then, for each line on stdin, registers one more schema
 * elect   --bootstrap B   two members; the master is killed, replaced, and replaced at once
 * member  --bootstrap B --port P   one member of the election, until it is killed or stdin ends
 * </pre>
 *
 * <p>Exit code 0 means that everything held. `--timeout-ms` is the registry's `kafkastore.timeout.ms`.
 */
public final class Probe {
    /** The NOOP of the start and the NOOP of a new leader. */
    private static final int NOOPS_PER_START = 2;

    private static final long ELECTION_TIMEOUT_MS = 60_000;
    private static final long LIVE_RETRY_MS = 60_000;

    public static void main(String[] args) {
        try {
            Map<String, String> options = options(args);
            switch (args.length == 0 ? "" : args[0]) {
                case "run" -> run(options, false);
                case "live" -> run(options, true);
                case "verify" -> verify(options);
                case "elect" -> new Election(bootstrap(options), group(options)).run();
                case "member" -> {
                    haltWithParent();
                    new Elector(bootstrap(options), group(options), port(options)).run();
                }
                default -> throw new IllegalArgumentException("usage: Probe run|verify|live|elect|member --key value ...");
            }
            System.exit(0);
        } catch (Throwable e) {
            e.printStackTrace();
            System.exit(1);
        }
    }

    /** A member whose parent is gone has nobody left to kill it. */
    private static void haltWithParent() {
        Thread watcher =
                new Thread(
                        () -> {
                            try {
                                System.in.transferTo(OutputStream.nullOutputStream());
                            } catch (IOException e) {
                                // A broken pipe says the same as its end.
                            }
                            Runtime.getRuntime().halt(0);
                        });
        watcher.setDaemon(true);
        watcher.start();
    }

    private static Map<String, String> options(String[] args) {
        Map<String, String> options = new HashMap<>();
        for (int i = 1; i + 1 < args.length; i += 2) {
            options.put(args[i], args[i + 1]);
        }
        return options;
    }

    private static String bootstrap(Map<String, String> options) {
        String bootstrap = options.get("--bootstrap");
        if (bootstrap == null) {
            throw new IllegalArgumentException("--bootstrap is missing");
        }
        return bootstrap;
    }

    private static String group(Map<String, String> options) {
        return options.getOrDefault("--group", "schema-registry");
    }

    private static int port(Map<String, String> options) {
        return Integer.parseInt(options.getOrDefault("--port", "8081"));
    }

    /** A registry's start: topic, reader to the end, election, and to the end again as the master. */
    private static final class Started implements AutoCloseable {
        final SchemaStore store;
        final long timeoutMs;
        private final Elector elector;
        private final Thread electing;

        Started(Map<String, String> options) throws Exception {
            timeoutMs = Long.parseLong(options.getOrDefault("--timeout-ms", "500"));
            store = new SchemaStore(bootstrap(options), options.getOrDefault("--topic", "_schemas"), port(options));
            store.catchUp(SchemaStore.INIT_TIMEOUT_MS);
            elector = new Elector(bootstrap(options), group(options), port(options));
            electing = new Thread(elector, "elector");
            electing.setDaemon(true);
            electing.start();
            elector.firstMastership().get(ELECTION_TIMEOUT_MS, TimeUnit.MILLISECONDS);
            store.catchUp(SchemaStore.INIT_TIMEOUT_MS);
        }

        long register(Schemas.Schema schema) throws Exception {
            long offset = store.writeAndWait(schema.key(), schema.value(), timeoutMs);
            require(store.holds(schema), schema.subject() + " cannot be found after its registration");
            return offset;
        }

        @Override
        public void close() throws Exception {
            elector.leave(electing);
            store.close();
        }
    }

    private static void run(Map<String, String> options, boolean live) throws Exception {
        try (Started registry = new Started(options)) {
            List<Schemas.Schema> schemas = Schemas.ten();
            long[] latenciesUs = new long[schemas.size()];
            for (int i = 0; i < schemas.size(); i++) {
                long begin = System.nanoTime();
                long offset = registry.register(schemas.get(i));
                latenciesUs[i] = (System.nanoTime() - begin) / 1_000;
                Event.of("registered").put("subject", schemas.get(i).subject()).put("offset", offset).print();
                require(offset == NOOPS_PER_START + i, "offset " + offset + " for schema number " + i);
            }
            Arrays.sort(latenciesUs);
            summarize(registry, NOOPS_PER_START + schemas.size(), latenciesUs);
            if (live) {
                registerOnDemand(registry);
            }
        }
    }

    private static void verify(Map<String, String> options) throws Exception {
        try (Started registry = new Started(options)) {
            summarize(registry, Long.parseLong(options.getOrDefault("--offsets", "-1")), new long[0]);
        }
    }

    /** Prints the verdict and fails unless all ten are there and the offsets are 0,1,2,... */
    private static void summarize(Started registry, long offsetsWanted, long[] latenciesUs) throws Exception {
        int found = 0;
        List<Schemas.Schema> schemas = Schemas.ten();
        for (Schemas.Schema schema : schemas) {
            found += registry.store.holds(schema) ? 1 : 0;
        }
        long offsets = registry.store.offsetsWithoutGap();
        Event summary = Event.of("summary").put("found", found).put("of", schemas.size()).put("offsets", offsets);
        if (latenciesUs.length > 0) {
            summary.put("p50_us", latenciesUs[latenciesUs.length / 2]).put("max_us", latenciesUs[latenciesUs.length - 1]);
        }
        summary.print();
        require(found == schemas.size(), "found " + found + " of " + schemas.size() + " schemas");
        require(offsets > 0, "the reader's offsets are not 0,1,2,...");
        require(
                offsetsWanted < 0 || offsets == offsetsWanted,
                "the reader saw " + offsets + " offsets, not " + offsetsWanted);
    }

    /**
     * While a broker restarts a registration may time out, and the registry answers 50002. Its
     * caller tries again, so a record may be there twice; its offsets stay without gap.
     */
    private static void registerOnDemand(Started registry) throws Exception {
        Event.of("waiting").print();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (int n = 0; lines.readLine() != null; n++) {
            Schemas.Schema schema = Schemas.extra(n);
            long begin = System.nanoTime();
            long end = begin + LIVE_RETRY_MS * 1_000_000;
            int attempts = 1;
            while (true) {
                try {
                    registry.register(schema);
                    break;
                } catch (TimeoutException | IllegalStateException e) {
                    if (System.nanoTime() > end) {
                        throw e;
                    }
                    attempts++;
                }
            }
            Event.of("extra").put("attempts", attempts).put("ms", (System.nanoTime() - begin) / 1_000_000).print();
            summarize(registry, -1, new long[0]);
        }
    }

    static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }

    private Probe() {}
}
