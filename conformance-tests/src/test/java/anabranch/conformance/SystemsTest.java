package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Backend;
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
      assertTrue(row.endsWith(" passes | passes |"), row);
    }
  }
}
