package anabranch.conformance;

import anabranch.conformance.system.Systems;
import anabranch.conformance.trial.Subject;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Published systems behave as published. */
public interface SystemsChapter extends Subject {
  /** Intent: each system works when the oracle, its own test and its recording say so. */
  @TestFactory
  default Stream<DynamicTest> everySystemWorksAsPublished() {
    return Systems.all().stream()
        .map(
            system ->
                DynamicTest.dynamicTest(
                    system.id() + " " + system.title(), () -> system.check(this)));
  }
}
