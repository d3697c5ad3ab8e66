package anabranch.onnx.session;

import ai.onnxruntime.OrtEnvironment;
import java.io.IOException;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Finds set-ups of ONNX Runtime that work by luck or not at all. Stateless. */
final class ClassPathCheck {
  /** Names the class loader whose copy of ONNX Runtime this JVM loaded first. */
  static final String OWNER = "anabranch.onnx.loader";

  private static final String CLASS = "ai/onnxruntime/OrtEnvironment.class";

  private ClassPathCheck() {}

  /** Returns what is wrong, in words; remembers which class loader asked first. */
  static List<String> problems() {
    List<String> problems = new ArrayList<>();
    twoJars().ifPresent(problems::add);
    String mine = name(loader());
    secondCopy(mine, claim(mine)).ifPresent(problems::add);
    return problems;
  }

  private static String name(ClassLoader loader) {
    String name = loader.getName() == null ? "" : " \"" + loader.getName() + "\"";
    return loader.getClass().getName() + name + "@" + System.identityHashCode(loader);
  }

  /** Returns a warning if this class path has more than one copy of ONNX Runtime. */
  static Optional<String> twoJars() {
    return twoJars(loader());
  }

  /** Returns a warning if a class loader sees more than one copy of ONNX Runtime. */
  static Optional<String> twoJars(ClassLoader loader) {
    List<URL> copies;
    try {
      copies = Collections.list(loader.getResources(CLASS));
    } catch (IOException unreadable) {
      return Optional.of("the class path cannot be searched for ONNX Runtime: " + unreadable);
    }
    return copies.size() < 2
        ? Optional.empty()
        : Optional.of(
            "ONNX Runtime is on the class path "
                + copies.size()
                + " times and the first wins: "
                + copies
                + "; keep one, and exclude com.microsoft.onnxruntime:onnxruntime where"
                + " onnxruntime_gpu is wanted");
  }

  /** Returns a warning if another class loader loaded its own copy of the native library. */
  static Optional<String> secondCopy(String mine, @Nullable String first) {
    return first == null || first.equals(mine)
        ? Optional.empty()
        : Optional.of(
            "this JVM already loaded ONNX Runtime in the class loader "
                + first
                + " and now loads a second native copy in "
                + mine
                + ", and neither is ever freed; put onnxruntime, anabranch-onnx-backend,"
                + " anabranch-sdk-api and what they need into one class loader above both, and"
                + " nowhere else; in Flink: into lib/, with"
                + " classloader.parent-first-patterns.additional: ai.onnxruntime.;anabranch.");
  }

  /** Returns a warning if a release of ONNX Runtime may send telemetry. */
  static Optional<String> telemetryProblem(String version, @Nullable String disabled) {
    String[] parts = version.split("\\.", 3);
    boolean sends =
        parts.length > 1
            && parts[0].matches("\\d{1,4}")
            && parts[1].matches("\\d{1,4}")
            && 10_000 * Integer.parseInt(parts[0]) + Integer.parseInt(parts[1]) >= 10_029;
    return !sends || "1".equals(disabled)
        ? Optional.empty()
        : Optional.of(
            "ONNX Runtime "
                + version
                + " starts with telemetry switched on; set ORT_DISABLE_TELEMETRY=1 in the"
                + " environment of the process, or stay on 1.28");
  }

  private static @Nullable String claim(String mine) {
    Object first = System.getProperties().putIfAbsent(OWNER, mine);
    return first == null ? null : first.toString();
  }

  private static ClassLoader loader() {
    ClassLoader loader = OrtEnvironment.class.getClassLoader();
    return loader == null ? ClassLoader.getSystemClassLoader() : loader;
  }
}
