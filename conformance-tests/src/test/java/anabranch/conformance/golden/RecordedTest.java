package anabranch.conformance.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.conformance.Kit;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Tolerance;
import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class RecordedTest {
  @TempDir Path folder;

  @Test
  void everyFolderThatComesWithTheKitIsNamed() throws IOException {
    Set<String> named =
        Stream.of(Recorded.values())
            .map(Recorded::title)
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> there = new TreeSet<>();
    for (Path model : GoldenCommand.models(GoldenCommandTest.RECORDED)) {
      there.add(model.getFileName().toString());
    }
    assertEquals(there, named);
    String said = Files.readString(GoldenCommandTest.RECORDED.resolve("README.md"));
    named.forEach(name -> assertTrue(said.contains("| `" + name + "` |"), name));
  }

  @Test
  void filesAreThereWhileInUseAndGoneThen() {
    Path lent =
        Recorded.ACM_MLP.lent(
            copy -> {
              assertTrue(Files.exists(copy.resolve("golden.safetensors")));
              return copy;
            });
    assertFalse(Files.exists(lent));
    assertFalse(Files.exists(lent.getParent()));
    Path[] failed = new Path[1];
    assertThrows(
        IllegalStateException.class,
        () ->
            Recorded.ACM_MLP.lent(
                copy -> {
                  failed[0] = copy.getParent();
                  throw new IllegalStateException("a use that fails");
                }));
    assertFalse(Files.exists(failed[0]));
  }

  @Test
  void recordingsAreReadOutOfAJar() throws Exception {
    Path home = Path.of(Recorded.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Path jar = folder.resolve("kit.jar");
    pack(home, jar);
    try (Packed loader = new Packed(jar.toUri().toURL())) {
      Class<?> kit = loader.loadClass(Kit.class.getName());
      assertNotSame(Kit.class, kit);
      URL file = loader.getResource("anabranch/conformance/golden/models/acm_mlp/config.json");
      assertEquals("jar", file.getProtocol());
      Object backend =
          loader.loadClass(ReferenceBackend.class.getName()).getConstructor().newInstance();
      Object outcome =
          kit.getMethod("run", Backend.class, String.class)
              .invoke(null, backend, "recordedLayersRunTheExpertsThatTheirOriginalsRan");
      assertEquals("Outcome[result=PASSED, reason=]", outcome.toString());
    }
  }

  @Test
  void modelsBeyondTheDeclaredLimitsAreSkippedByName() {
    Subject limited =
        new Subject() {
          @Override
          public Backend backend() {
            return new WithoutEncoders();
          }

          @Override
          public Set<String> limits() {
            return Set.of("encoder");
          }
        };
    String skipped =
        skipped(
            () -> RecordedTrial.answers(limited, Recorded.SWITCH_TRANSFORMERS, Recorded.ACM_MLP));
    assertTrue(skipped.contains("[switch_transformers (the declared limits"), skipped);
    assertFalse(skipped.contains("acm_mlp"), skipped);
    RecordedTrial.answers(limited, Recorded.ACM_MLP);
    AssertionError refused =
        assertThrows(
            AssertionError.class,
            () -> RecordedTrial.answers(WithoutEncoders::new, Recorded.SWITCH_TRANSFORMERS));
    assertTrue(refused.getMessage().contains("beyond the declared limits"), refused.getMessage());
  }

  @Test
  void aBackendThatDeclaresRoughNumbersIsSkipped() {
    Subject rough =
        new Subject() {
          @Override
          public Backend backend() {
            return new ReferenceBackend();
          }

          @Override
          public Tolerance tolerance(Numerics numerics) {
            return new Tolerance(1e-3, 0);
          }
        };
    String skipped = skipped(() -> RecordedTrial.answers(rough, Recorded.ACM_MLP));
    assertTrue(skipped.contains("declared to be 0.001 apart"), skipped);
  }

  private static String skipped(Executable body) {
    RuntimeException aborted = assertThrows(RuntimeException.class, body);
    assertEquals("TestAbortedException", aborted.getClass().getSimpleName());
    return String.valueOf(aborted.getMessage());
  }

  private static void pack(Path home, Path jar) throws IOException {
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar));
        Stream<Path> files = Files.walk(home)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(new JarEntry(home.relativize(file).toString().replace('\\', '/')));
        Files.copy(file, out);
        out.closeEntry();
      }
    }
  }

  /** Finds the kit in a jar alone, and all else where it is. */
  private static final class Packed extends URLClassLoader {
    Packed(URL jar) {
      super(new URL[] {jar}, Recorded.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith("anabranch.conformance.")) {
        return super.loadClass(name, resolve);
      }
      Class<?> loaded = findLoadedClass(name);
      return loaded == null ? findClass(name) : loaded;
    }

    @Override
    public URL getResource(String name) {
      return name.startsWith("anabranch/conformance/")
          ? findResource(name)
          : super.getResource(name);
    }
  }

  /** The reference backend, which runs no encoder here. */
  private static final class WithoutEncoders implements Backend {
    private final ReferenceBackend reference = new ReferenceBackend();

    @Override
    public String name() {
      return reference.name();
    }

    @Override
    public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
      return spec.encoder() == null
          ? reference.check(spec, options)
          : List.of(new Unsupported("encoder", "no encoder runs here"));
    }

    @Override
    public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
      return reference.load(spec, weights, options);
    }
  }
}
