import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.List;

/** Runs every public method without parameters of the test classes and prints "pass NAME" or "fail NAME" and why. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Server server = new Server(arguments[0], arguments[1], arguments[2], arguments[3]);
        List<Object> suites = List.of(new ConfluentClient(server), new ConfluentRest(server), new FlinkFormats(server));
        for (Object suite : suites) {
            for (Method method : suite.getClass().getDeclaredMethods()) {
                if (Modifier.isPublic(method.getModifiers()) && method.getParameterCount() == 0) {
                    run(suite, method);
                }
            }
        }
        System.out.println("end");
    }

    private static void run(Object suite, Method method) throws IllegalAccessException {
        try {
            method.invoke(suite);
            System.out.println("pass " + method.getName());
        } catch (InvocationTargetException failure) {
            StringWriter text = new StringWriter();
            failure.getCause().printStackTrace(new PrintWriter(text));
            System.out.println("fail " + method.getName() + " " + text.toString().replace("\n", "\\n"));
        }
    }
}
