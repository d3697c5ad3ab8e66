package anabranch.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.conformance.golden.Continuity;
import anabranch.conformance.golden.GoldenCommand;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** ONNX answers what reference implementations answered, however the lines come. */
class RecordedModelsTest {
  private static final Path RECORDED =
      Path.of("..", "conformance-tests", "src", "test", "resources", "goldens");

  @Test
  void numbersAndDecisionsAreTheRecordedOnes() throws IOException {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    String[] arguments = {RECORDED.toString(), "--backend", "onnx"};
    int code = GoldenCommand.run(arguments, new PrintStream(said, true, StandardCharsets.UTF_8));
    assertEquals(0, code, said.toString(StandardCharsets.UTF_8));
  }

  @Test
  void bitsDoNotDependOnBatchesPiecesAndImages() throws IOException {
    int ways = 0;
    for (Path model : GoldenCommand.models(RECORDED)) {
      ways += Continuity.check(model, new OnnxBackend());
    }
    assertTrue(ways >= 3, ways + " ways");
  }
}
