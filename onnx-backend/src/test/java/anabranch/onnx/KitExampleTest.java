package anabranch.onnx;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The example in the kit's first line of documentation is the test that this module runs. */
class KitExampleTest {
  @Test
  void theExampleOfTheKitIsTheTestOfThisBackend() throws IOException {
    String kit =
        Files.readString(
            Path.of(
                "../conformance-tests/src/main/java/anabranch/conformance/BackendConformance.java"));
    String shown = kit.substring(kit.indexOf("<pre>{@code") + 11, kit.indexOf("}</pre>"));
    String own = Files.readString(Path.of("src/test/java/anabranch/onnx/OnnxConformanceTest.java"));
    String example = shown.replaceAll("(?m)^ \\*", "").replaceAll("\\s+", "");
    assertTrue(own.replaceAll("\\s+", "").endsWith(example), shown);
  }
}
