package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.conformance.faulty.Faults;
import anabranch.conformance.system.PublishedSystem;
import anabranch.conformance.system.Systems;
import java.lang.reflect.Method;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class KitIsProvedByFaultsTest {
  @TestFactory
  Stream<DynamicTest> everyFaultIsRejected() {
    return Faults.all().stream()
        .flatMap(
            fault ->
                fault.rejectedBy().stream()
                    .map(
                        test ->
                            DynamicTest.dynamicTest(
                                fault.name() + " fails " + test, () -> rejects(fault, test))));
  }

  @Test
  void everyTestOfTheKitRejectsSomeFault() {
    Set<String> tests =
        Kit.tests().stream().map(Method::getName).collect(Collectors.toCollection(TreeSet::new));
    Set<String> rejecting = new TreeSet<>();
    Faults.all().forEach(fault -> rejecting.addAll(fault.rejectedBy()));
    Systems.all().stream().map(PublishedSystem::id).forEach(rejecting::remove);
    assertEquals(tests, rejecting);
  }

  @Test
  void everyTestOfTheKitNamesItsRules() {
    for (Method test : Kit.tests()) {
      assertTrue(test.isAnnotationPresent(Rule.class), test.getName() + " names no rule");
    }
  }

  /** A test must fail by an assertion, whatever the fault breaks. */
  private static void rejects(Faults.Fault fault, String test) {
    Kit.Outcome outcome = Kit.run(fault.backend(), test);
    assertEquals(Kit.Result.FAILED, outcome.result(), fault.name() + " passes " + test);
    assertTrue(
        outcome.reason().contains("Assert") || outcome.reason().contains("expected"),
        "failed by " + outcome.reason() + " instead of an assertion");
  }
}
