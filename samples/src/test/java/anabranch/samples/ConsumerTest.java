package anabranch.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtEnvironment;
import anabranch.model.ModelSpec;
import anabranch.onnx.OnnxBackend;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.File;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import kotlin.Unit;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.JsonNode;

/** The application in {@code consumer} needs what {@code onnx-backend} brings, and no Kotlin. */
class ConsumerTest {
  private static final Path SOURCE = Path.of("consumer/src/main/java/example/Consumer.java");

  @TempDir Path folder;

  @Test
  void anApplicationInJavaNeedsNoKotlin() throws Exception {
    String said = run(0, needed());
    assertTrue(said.contains("no Kotlin on the class path"), said);
    assertTrue(said.contains("computed on cpu"), said);
  }

  @Test
  void kotlinOnTheClassPathIsNoticed() throws Exception {
    String said = run(1, Stream.concat(needed(), Stream.of(Unit.class)));
    assertTrue(said.contains("Kotlin is on the class path"), said);
  }

  private static Stream<Class<?>> needed() {
    return Stream.of(
        ModelSpec.class,
        OnnxBackend.class,
        OrtEnvironment.class,
        NullMarked.class,
        JsonNode.class,
        JsonParser.class,
        JsonProperty.class);
  }

  private String run(int exit, Stream<Class<?>> libraries) throws Exception {
    String places =
        libraries
            .map(ConsumerTest::place)
            .distinct()
            .collect(Collectors.joining(File.pathSeparator));
    int compiled =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-cp", places, "-d", folder.toString(), SOURCE.toString());
    assertEquals(0, compiled);
    Path output = folder.resolve("output.txt");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                folder + File.pathSeparator + places,
                "example.Consumer")
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(2, TimeUnit.MINUTES);
    process.destroyForcibly().waitFor();
    String said = Files.readString(output);
    assertTrue(ended, said);
    assertEquals(exit, process.exitValue(), said);
    return said;
  }

  private static String place(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    } catch (URISyntaxException impossible) {
      throw new AssertionError(impossible);
    }
  }
}
