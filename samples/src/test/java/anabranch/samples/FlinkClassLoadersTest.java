package anabranch.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ai.onnxruntime.OrtEnvironment;
import anabranch.backend.Backend;
import java.io.File;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.util.ChildFirstClassLoader;
import org.junit.jupiter.api.Test;

/**
 * What Flink's class loader of a job makes of a job that bundles everything, on a cluster that has
 * everything in {@code lib/} too: the class path of this test stands for both.
 */
class FlinkClassLoadersTest {
  @Test
  void aJobThatBundlesTheRuntimeLoadsASecondCopy() throws Exception {
    try (ChildFirstClassLoader job = job("")) {
      assertNotSame(OrtEnvironment.class, job.loadClass(OrtEnvironment.class.getName()));
    }
  }

  @Test
  void theTwoPatternsGiveTheJobTheCopyOfTheCluster() throws Exception {
    try (ChildFirstClassLoader job = job("ai.onnxruntime.;anabranch.")) {
      assertSame(OrtEnvironment.class, job.loadClass(OrtEnvironment.class.getName()));
      assertSame(Backend.class, job.loadClass(Backend.class.getName()));
      assertEquals("onnx", onnx(Backend.class, job).name());
    }
  }

  @Test
  void aPatternForTheBackendAloneTearsItFromItsInterface() throws Exception {
    try (ChildFirstClassLoader job = job("ai.onnxruntime.;anabranch.onnx.")) {
      Class<?> other = job.loadClass(Backend.class.getName());
      assertNotSame(Backend.class, other);
      assertThrows(
          ServiceConfigurationError.class, () -> ServiceLoader.load(other, job).forEach(any -> {}));
    }
  }

  private static Backend onnx(Class<Backend> type, ClassLoader job) {
    for (Backend backend : ServiceLoader.load(type, job)) {
      if (backend.name().equals("onnx")) {
        return backend;
      }
    }
    throw new AssertionError("no backend \"onnx\"");
  }

  private static ChildFirstClassLoader job(String additional) throws Exception {
    Configuration cluster = new Configuration();
    cluster.setString("classloader.parent-first-patterns.additional", additional);
    List<URL> places = new ArrayList<>();
    for (String place : System.getProperty("java.class.path").split(File.pathSeparator)) {
      places.add(Path.of(place).toUri().toURL());
    }
    return new ChildFirstClassLoader(
        places.toArray(URL[]::new),
        FlinkClassLoadersTest.class.getClassLoader(),
        CoreOptions.getParentFirstLoaderPatterns(cluster),
        failure -> {});
  }
}
