package anabranch.engine.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.ScriptedModel;
import anabranch.engine.Scripts;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

class WithoutMicrometerTest {
  /** M6: an engine runs and is counted where the library is missing. */
  @Test
  void countingNeedsNoLibraryOfMetrics() throws Exception {
    try (URLClassLoader loader = without("micrometer")) {
      assertEquals("1 answered, 0 failed, 0 cancelled", call(loader, Counting.class));
      assertThrows(
          ClassNotFoundException.class,
          () -> loader.loadClass("io.micrometer.core.instrument.MeterRegistry"));
      InvocationTargetException binding =
          assertThrows(InvocationTargetException.class, () -> call(loader, Binding.class));
      assertInstanceOf(NoClassDefFoundError.class, binding.getCause());
    }
  }

  private static Object call(ClassLoader loader, Class<?> type) throws Exception {
    Class<?> there = loader.loadClass(type.getName());
    Object instance = there.getDeclaredConstructor().newInstance();
    return there.getMethod("call").invoke(instance);
  }

  private static URLClassLoader without(String word) throws Exception {
    List<URL> path = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (!new File(entry).getName().contains(word)) {
        path.add(new File(entry).toURI().toURL());
      }
    }
    return new URLClassLoader(path.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
  }

  /** Runs an item with metrics and says what became of it. */
  public static final class Counting implements Callable<String> {
    @Override
    public String call() {
      EngineMetrics metrics = new EngineMetrics();
      try (Engine engine =
          Engine.open(
              new ScriptedModel(Scripts.causal()),
              Scripts.both(),
              EngineOptions.defaults(),
              metrics)) {
        engine.infer(Scripts.item(10, 11));
      }
      return metrics.snapshot().models().get(0).items().toString();
    }
  }

  /** Makes a binder. */
  public static final class Binding implements Callable<String> {
    @Override
    public String call() {
      EngineMetrics metrics = new EngineMetrics();
      try (Engine engine = Engine.open(new ScriptedModel(Scripts.causal()), Scripts.both())) {
        return new MicrometerBinder(metrics, engine).toString();
      }
    }
  }
}
