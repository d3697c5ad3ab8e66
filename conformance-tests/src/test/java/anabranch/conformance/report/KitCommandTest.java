package anabranch.conformance.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.UnsupportedModelException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class KitCommandTest {
  private static final String[] FUZZ = {"--backend", "reference", "--fuzz", "8", "--set"};

  @Test
  void aReportSaysWhatRan() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    assertEquals(0, KitCommand.run(with("other.setting=1"), out));
    String said = bytes.toString(StandardCharsets.UTF_8);
    assertTrue(
        said.startsWith(
            "reference ran fp64 on cpu, BITWISE_BATCH_INVARIANT within 1.0e-06 + 1.0e-06 of a"),
        said);
  }

  @Test
  void settingsReachTheBackend() {
    assertThrows(
        UnsupportedModelException.class, () -> KitCommand.run(with("reference.no=1"), System.out));
    String malformed =
        assertThrows(IllegalArgumentException.class, () -> KitCommand.run(with("=1"), System.out))
            .getMessage();
    assertEquals("--set =1 is not NAME=VALUE", malformed);
  }

  private static String[] with(String setting) {
    String[] arguments = Arrays.copyOf(FUZZ, FUZZ.length + 1);
    arguments[FUZZ.length] = setting;
    return arguments;
  }
}
