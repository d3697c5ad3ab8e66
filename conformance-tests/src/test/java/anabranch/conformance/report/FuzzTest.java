package anabranch.conformance.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.LoadOptions;
import anabranch.conformance.faulty.Faults;
import anabranch.conformance.reference.ReferenceBackend;
import java.util.List;
import org.junit.jupiter.api.Test;

class FuzzTest {
  private static final int DRAWS = 1000;

  @Test
  void aThousandDescriptionsAreRefusedInWordsOrAnsweredAsTheOracleDoes() {
    Fuzz fuzz = Fuzz.run(new ReferenceBackend(), LoadOptions.defaults(), 0, DRAWS);
    assertEquals(List.of(), fuzz.wrong());
    assertEquals(DRAWS, fuzz.accepted() + fuzz.refused());
    assertTrue(2 * fuzz.accepted() >= DRAWS, fuzz.accepted() + " were accepted");
    assertTrue(fuzz.refused() > 0, "nothing was refused");
    fuzz.reasons().keySet().forEach(reason -> assertTrue(reason.length() > 20, reason));
    List<String> rare =
        fuzz.vocabulary().entrySet().stream()
            .filter(word -> word.getValue() < 50)
            .map(Object::toString)
            .toList();
    assertEquals(List.of(), rare, "words in fewer than 50 descriptions");
  }

  /** R5, E5: a sigmoid underflows to 0 in what this seed draws, and is divided by itself. */
  @Test
  void aNumberThatIsNotFiniteInTheOracleIsRefusedByTheBackendToo() {
    Fuzz fuzz = Fuzz.run(new ReferenceBackend(), LoadOptions.defaults(), 71647, 1);
    assertEquals(List.of(), fuzz.wrong());
    assertEquals(1, fuzz.notFinite());
  }

  @Test
  void aBackendThatAnswersWhereTheOracleFailsIsWrong() {
    Faults.Fault answers =
        Faults.all().stream()
            .filter(fault -> fault.name().equals("weights that add up to 0 are 0"))
            .findFirst()
            .orElseThrow();
    Fuzz fuzz = Fuzz.run(answers.backend(), LoadOptions.defaults(), 71647, 1);
    assertEquals(0, fuzz.notFinite());
    assertEquals(1, fuzz.wrong().size());
    String wrong = fuzz.wrong().get(0);
    assertTrue(wrong.contains("and the oracle fails: blocks.0.part0: gate NaN of row 1"), wrong);
  }
}
