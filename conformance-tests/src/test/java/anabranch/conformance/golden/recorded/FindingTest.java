package anabranch.conformance.golden.recorded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.conformance.golden.recorded.Finding.Kind;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FindingTest {
  private final Finding finding = new Finding("model case");

  @BeforeEach
  void compareSomethingEqual() {
    finding.numbers("logits", new float[] {9, 1, 2}, 1, new double[] {1, 2});
  }

  @Test
  void numbersWithinTheBarAgree() {
    finding.numbers("logits", new float[] {1}, 0, new double[] {1.00009});
    assertTrue(finding.agrees());
    assertEquals(9e-5, finding.difference(), 1e-9);
    assertEquals(3, finding.compared());
  }

  @Test
  void numbersBeyondTheBarAreNamed() {
    finding.numbers("the last row", new float[] {1}, 0, new double[] {1.0002});
    finding.numbers("logits", new float[] {1}, 0, new double[] {1});
    assertFalse(finding.agrees());
    assertTrue(finding.line().contains("the last row are 2.0e-04 apart"), finding.line());
  }

  @Test
  void whatIsNoNumberNeverAgrees() {
    finding.numbers("logits", new float[] {1, 1}, 0, new double[] {Double.NaN, 1});
    finding.numbers("logits", new float[] {1}, 0, new double[] {1});
    assertFalse(finding.agrees());
  }

  @Test
  void missingNumbersNeverAgree() {
    finding.numbers("logits", new float[] {1}, 0, new double[] {1, 1});
    assertFalse(finding.agrees());
  }

  @Test
  void oneDecisionThatDiffersIsEnough() {
    finding.decision(Kind.EXPERTS, "row 0", List.of(1, 2), List.of(1, 2));
    assertTrue(finding.agrees());
    finding.decision(Kind.EXPERTS, "row 1", List.of(1, 2), List.of(1, 3));
    assertFalse(finding.agrees());
    assertEquals(1, finding.differing(Kind.EXPERTS));
    assertEquals(2, finding.compared(Kind.EXPERTS));
    assertTrue(finding.line().contains("experts 1/2"), finding.line());
    assertTrue(finding.line().contains("row 1: [1, 3] instead of [1, 2]"), finding.line());
  }

  @Test
  void nothingComparedIsNoAgreement() {
    Finding empty = new Finding("model case");
    empty.decision(Kind.EXITS, "unit", 1, 1);
    assertFalse(empty.agrees());
  }
}
