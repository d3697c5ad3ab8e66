package anabranch.conformance;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.conformance.space.Shapes;
import anabranch.conformance.system.PublishedSystem;
import anabranch.conformance.system.Systems;
import anabranch.conformance.trial.Rounding;
import anabranch.conformance.trial.Subject;
import anabranch.model.ModelSpec;
import anabranch.model.route.Routers;
import anabranch.weights.Weights;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Runs every test of the kit on one backend, outside of JUnit, and keeps what came out. */
public final class Kit {
  private final BackendConformance tests;
  private final Map<String, Outcome> outcomes = new TreeMap<>();
  private final Map<String, Outcome> systems = new TreeMap<>();

  /** What came of one test. */
  public enum Result {
    /** It holds. */
    PASSED,
    /** It does not. */
    FAILED,
    /** The backend declared that it cannot. */
    SKIPPED
  }

  /**
   * What came of one test, and why.
   *
   * @param result whether it holds
   * @param reason what failed or was skipped; empty where it holds
   */
  public record Outcome(Result result, String reason) {}

  private Kit(Backend backend, LoadOptions options) {
    tests =
        new BackendConformance() {
          @Override
          public Backend backend() {
            return backend;
          }

          @Override
          public LoadOptions options() {
            return options;
          }
        };
  }

  /** Returns what computes a small model on a backend. */
  public static Numerics numerics(Backend backend, LoadOptions options) {
    ModelSpec spec = Shapes.routed(Routers.mixtral(2), 4);
    try (Weights weights = Weights.random(spec, 1);
        LoadedModel model = backend.load(spec, weights, options)) {
      return model.numerics();
    }
  }

  /**
   * Runs everything on a backend, with options for every model.
   *
   * @throws IllegalArgumentException if nothing is known of numbers of the type that it declares
   */
  public static Kit run(Backend backend, LoadOptions options) {
    Rounding.of(numerics(backend, options));
    Kit kit = new Kit(backend, options);
    for (Method test : tests()) {
      kit.outcomes.put(test.getName(), outcome(() -> test.invoke(kit.tests)));
    }
    for (PublishedSystem system : Systems.all()) {
      kit.systems.put(system.id(), outcome(() -> system.check(kit.tests)));
    }
    return kit;
  }

  /** Returns the tests of the kit that name rules. */
  public static List<Method> tests() {
    List<Method> tests = new ArrayList<>();
    for (Method method : BackendConformance.class.getMethods()) {
      if (method.isAnnotationPresent(Test.class)) {
        tests.add(method);
      }
    }
    tests.sort(Comparator.comparing(Method::getName));
    return tests;
  }

  /** Runs one test on a backend: by its name, or a system by its row. */
  public static Outcome run(Backend backend, String test) {
    Kit kit = new Kit(backend, LoadOptions.defaults());
    for (PublishedSystem system : Systems.all()) {
      if (system.id().equals(test)) {
        return outcome(() -> system.check(kit.tests));
      }
    }
    for (Method method : tests()) {
      if (method.getName().equals(test)) {
        return outcome(() -> method.invoke(kit.tests));
      }
    }
    throw new IllegalArgumentException("there is no test or system " + test);
  }

  /** Returns whether a system's own test fails on its preset with one meaning changed. */
  public static Outcome changed(PublishedSystem system, Subject kit) {
    return outcome(() -> system.otherwise().check(kit, system.preset()));
  }

  /** Returns what came of each test, by its name. */
  public Map<String, Outcome> outcomes() {
    return outcomes;
  }

  /** Returns what came of each system, by its row. */
  public Map<String, Outcome> systems() {
    return systems;
  }

  /** Returns the tests of each rule, by its number. */
  public static Map<String, List<String>> rules() {
    Map<String, List<String>> rules = new TreeMap<>(Kit::byNumber);
    for (Method test : tests()) {
      Rule rule = test.getAnnotation(Rule.class);
      for (String number : rule == null ? new String[0] : rule.value()) {
        rules.computeIfAbsent(number, any -> new ArrayList<>()).add(test.getName());
      }
    }
    return rules;
  }

  private static int byNumber(String a, String b) {
    int chapters = Character.compare(a.charAt(0), b.charAt(0));
    return chapters != 0
        ? chapters
        : Double.compare(Double.parseDouble(a.substring(1)), Double.parseDouble(b.substring(1)));
  }

  private interface Body {
    void run() throws Exception;
  }

  private static Outcome outcome(Body body) {
    try {
      body.run();
      return new Outcome(Result.PASSED, "");
    } catch (InvocationTargetException thrown) {
      return of(thrown.getCause());
    } catch (Exception | AssertionError thrown) {
      return of(thrown);
    }
  }

  private static Outcome of(Throwable thrown) {
    boolean aborted = thrown.getClass().getSimpleName().equals("TestAbortedException");
    Result result = aborted ? Result.SKIPPED : Result.FAILED;
    return new Outcome(result, thrown.toString());
  }

  /** Returns how many tests came out so. */
  public long count(Result result) {
    return outcomes.values().stream().filter(outcome -> outcome.result() == result).count();
  }

  @Override
  public String toString() {
    return "Kit" + Arrays.toString(Result.values()) + outcomes;
  }
}
