package anabranch.conformance.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.conformance.faulty.Faults;
import anabranch.conformance.reference.ReferenceBackend;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContinuityTest {
  private static final Path RECORDED = GoldenCommandTest.RECORDED;

  @Test
  void linesOfADecoderAreComparedInThreeWays() {
    assertEquals(6, Continuity.check(RECORDED.resolve("gpt_oss"), ReferenceBackend::new));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "numbers are rounded by the largest of the batch | one by one",
        "the cache is its own past: a call moves the keys of earlier rows | row by row",
        "a later call sees the first call's keys and its own alone | row by row",
        "an image lacks the last rows' keys | from images",
      })
  void backendsThatBreakOffAreRejected(String fault, String way) {
    Faults.Fault broken =
        Faults.all().stream().filter(each -> each.name().equals(fault)).findFirst().orElseThrow();
    Path model = RECORDED.resolve("gpt_oss");
    AssertionError rejected =
        assertThrows(AssertionError.class, () -> Continuity.check(model, broken::backend));
    assertTrue(String.valueOf(rejected.getMessage()).contains(way), rejected.getMessage());
  }
}
