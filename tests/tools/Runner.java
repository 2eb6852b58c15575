import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs the command line tools of a Kafka release one after the other in one JVM, because starting
 * a JVM for each costs more than most of them take.
 *
 * Each line of stdin is an order, {"class": C, "args": [...], "stdin": text}. It is answered by one
 * line, {"exit": status, "out": text, "err": text}, with what the class's `main` would have given
 * the shell. The tools are Kafka's own bytes: they leave through Kafka's `Exit`, which is made to
 * end the tool's thread. Their classes are loaded anew for each order, because some keep counts in
 * static fields and are made to be run once.
 */
public final class Runner {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What `Exit` throws. An Error, since tools catch what they think are failures of their own. */
    private static final class Exited extends Error {
        Exited() {
            super("exit", null, false, false);
        }
    }

    /** One run of a tool. */
    private static final class Job implements Runnable {
        final String name;
        final String[] arguments;
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        final List<Runnable> hooks = new ArrayList<>();
        volatile Thread thread;
        // The first status counts: what runs after an exit would not have run.
        volatile Integer status;

        Job(String name, String[] arguments) {
            this.name = name;
            this.arguments = arguments;
        }

        synchronized Exited exit(int code) {
            if (status == null) {
                status = code;
            }
            return new Exited();
        }

        /** Whether the calling thread writes what a process that has exited cannot write. */
        boolean over() {
            return status != null && Thread.currentThread() == thread;
        }

        @Override
        public void run() {
            thread = Thread.currentThread();
            try (URLClassLoader loader = new ToolsLoader()) {
                thread.setContextClassLoader(loader);
                loader.loadClass(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
                hooks();
                exit(0);
            } catch (InvocationTargetException failure) {
                if (status == null) {
                    System.err.print("Exception in thread \"main\" ");
                    failure.getCause().printStackTrace();
                }
                hooks();
                exit(1);
            } catch (Exception failure) {
                failure.printStackTrace();
                exit(1);
            }
        }

        private void hooks() {
            List<Thread> threads = new ArrayList<>();
            for (Runnable hook : hooks) {
                threads.add(new Thread(hook));
            }
            threads.forEach(Thread::start);
            for (Thread hook : threads) {
                try {
                    hook.join();
                } catch (InterruptedException failure) {
                    throw new IllegalStateException(failure);
                }
            }
        }
    }

    /** Takes the classes of the tools' own jar itself, and leaves all else to the shared loader. */
    private static final class ToolsLoader extends URLClassLoader {
        private static final URL[] JAR = jar();

        ToolsLoader() {
            super(JAR, Runner.class.getClassLoader());
        }

        private static URL[] jar() {
            for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
                if (new File(entry).getName().matches("kafka-tools-[0-9.]+\\.jar")) {
                    try {
                        return new URL[] {new File(entry).toURI().toURL()};
                    } catch (java.net.MalformedURLException failure) {
                        throw new IllegalStateException(failure);
                    }
                }
            }
            throw new IllegalStateException("kafka-tools is not on the class path");
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                if (findLoadedClass(name) == null && findResource(name.replace('.', '/') + ".class") != null) {
                    findClass(name);
                }
                return super.loadClass(name, resolve);
            }
        }
    }

    /** Writes to whatever job runs: Scala keeps the stdout that it finds when it is loaded. */
    private static final class Switch extends OutputStream {
        private final boolean isErr;

        Switch(boolean isErr) {
            this.isErr = isErr;
        }

        @Override
        public void write(int one) {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int count) {
            Job job = current;
            if (job != null && !job.over()) {
                (isErr ? job.err : job.out).write(bytes, from, count);
            }
        }
    }

    private static volatile Job current;

    private Runner() {}

    public static void main(String[] arguments) throws Exception {
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = System.out;
        System.setOut(new PrintStream(new Switch(false), true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(new Switch(true), true, StandardCharsets.UTF_8));
        Exit.setExitProcedure((status, message) -> {
            throw current.exit(status);
        });
        Exit.setHaltProcedure((status, message) -> {
            throw current.exit(status);
        });
        Exit.setShutdownHookAdder((name, hook) -> current.hooks.add(hook));
        for (String line = orders.readLine(); line != null; line = orders.readLine()) {
            answers.write((answer(JSON.readTree(line)) + "\n").getBytes(StandardCharsets.UTF_8));
            answers.flush();
        }
        System.exit(0);
    }

    private static String answer(JsonNode order) throws Exception {
        List<String> arguments = new ArrayList<>();
        order.get("args").forEach(argument -> arguments.add(argument.asText()));
        Job job = new Job(order.get("class").asText(), arguments.toArray(new String[0]));
        System.setIn(new ByteArrayInputStream(order.get("stdin").asText().getBytes(StandardCharsets.UTF_8)));
        current = job;
        Thread thread = new Thread(job, "main");
        thread.start();
        thread.join();
        current = null;
        ObjectNode answer = JSON.createObjectNode();
        answer.put("exit", job.status);
        answer.put("out", job.out.toString(StandardCharsets.UTF_8));
        answer.put("err", job.err.toString(StandardCharsets.UTF_8));
        return JSON.writeValueAsString(answer);
    }
}
