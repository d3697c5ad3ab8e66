package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Backend;
import anabranch.conformance.faulty.Faults;
import anabranch.conformance.golden.Recorded;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.conformance.system.PublishedSystem;
import anabranch.conformance.system.Systems;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SystemsTest {
  private static final BackendConformance REFERENCE =
      new BackendConformance() {
        @Override
        public Backend backend() {
          return new ReferenceBackend();
        }
      };

  /** A test that does not notice another meaning would not show that a system is expressed. */
  @TestFactory
  Stream<DynamicTest> everySystemIsAnotherOnceOneMeaningIsChanged() {
    return Systems.all().stream()
        .map(
            system ->
                DynamicTest.dynamicTest(
                    system.id() + " with another " + system.changedField(),
                    () -> {
                      Kit.Outcome outcome = Kit.changed(system, REFERENCE);
                      assertEquals(Kit.Result.FAILED, outcome.result());
                      assertTrue(outcome.reason().contains("Assert"), outcome.reason());
                    }));
  }

  /** Models followed by hand have no rotation, distances, positions or GELU; recorded ones do. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "A00 | keys are as near as any other | switch_transformers",
        "A02 | learned positions start at 1 | hash_layer_ffn",
        "A17 | rotary positions are left out | mindskip_llama",
        "A19 | rotary positions are left out | skip_middle",
        "A23 | GELU is SiLU | acm_mlp",
      })
  void theRecordingOfASystemNoticesWhatItsOwnTestDoesNot(String row, String fault, String model)
      throws Exception {
    String rejected = rejected(row, fault);
    assertTrue(rejected.contains("recorded model " + model), rejected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "A00 | the traced gates are shares of one | gate",
        "A16 | learned scores have no bias | score",
        "A35 | blocks do nothing | logits",
      })
  void theOracleNoticesWhatTheOwnTestOfASystemDoesNot(String row, String fault, String what)
      throws Exception {
    String rejected = rejected(row, fault);
    assertTrue(rejected.contains(what), rejected);
  }

  /** Returns why a fault is rejected that the own test of a system lets pass. */
  private static String rejected(String row, String fault) throws Exception {
    Faults.Fault broken =
        Faults.all().stream().filter(each -> each.name().equals(fault)).findFirst().orElseThrow();
    PublishedSystem system =
        Systems.all().stream().filter(each -> each.id().equals(row)).findFirst().orElseThrow();
    system.worksWhen().check(broken::backend, system.preset());
    return assertThrows(AssertionError.class, () -> system.check(broken::backend)).toString();
  }

  @Test
  void thePageAboutSystemsHasARowForEachThatPasses() throws IOException {
    Path docs = Path.of(System.getProperty("basedir", "."), "..", "docs", "systems.md");
    List<String> rows =
        Files.readAllLines(docs).stream().filter(line -> line.startsWith("| A")).toList();
    assertEquals(Systems.all().size(), rows.size(), "rows of docs/systems.md");
    for (int i = 0; i < rows.size(); i++) {
      PublishedSystem system = Systems.all().get(i);
      String row = rows.get(i);
      assertTrue(row.startsWith("| " + system.id() + " | " + system.title() + " | "), row);
      assertTrue(row.contains("| yes") && row.contains("`" + system.changedField() + "`"), row);
      assertTrue(row.contains("` | agrees | " + String.join(", ", system.witnesses())), row);
      Recorded model = system.recording();
      String recorded =
          model == null ? " | none " : " | `" + model.title() + "` from " + model.source() + " |";
      assertTrue(row.contains(recorded), row);
      assertTrue(row.endsWith(" | passes | passes |"), row);
    }
  }
}
