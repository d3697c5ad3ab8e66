package anabranch.engine;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackendsTest {
  /** A backend that exists and refuses everything. */
  public static final class Refusing implements Backend {
    @Override
    public String name() {
      return "refusing";
    }

    @Override
    public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
      return List.of(new Unsupported("model", "nothing runs here"));
    }

    @Override
    public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
      throw new AssertionError("check was not asked");
    }
  }

  @Test
  void unknownNamesAreRefusedWithThoseThatExist(@TempDir Path folder) throws IOException {
    assertRefused(
        "backend \"onix\" is not on the class path; there are []", () -> Backends.named("onix"));
    withBackend(
        folder,
        () ->
            assertRefused(
                "backend \"onix\" is not on the class path; there are [refusing]",
                () -> Backends.named("onix")));
  }

  @Test
  void backendsOfTheContextClassLoaderAreFound(@TempDir Path folder) throws IOException {
    withBackend(
        folder,
        () -> {
          Backend found = Backends.named("refusing");
          assertEquals("refusing", found.name());
          assertSame(Refusing.class, found.getClass());
        });
  }

  private static void withBackend(Path folder, Runnable action) throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.writeString(services.resolve(Backend.class.getName()), Refusing.class.getName());
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    URL[] urls = {folder.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(urls, BackendsTest.class.getClassLoader())) {
      thread.setContextClassLoader(loader);
      action.run();
    } finally {
      thread.setContextClassLoader(before);
    }
  }
}
