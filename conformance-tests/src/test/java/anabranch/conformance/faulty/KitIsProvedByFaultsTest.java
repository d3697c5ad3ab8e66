package anabranch.conformance.faulty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Backend;
import anabranch.conformance.BackendConformance;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
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
                                fault.name() + " fails " + test,
                                () -> rejects(test, fault.backend()))));
  }

  @Test
  void everyTestOfTheKitRejectsSomeFault() {
    Set<String> tests =
        Arrays.stream(BackendConformance.class.getMethods())
            .filter(method -> method.isAnnotationPresent(Test.class))
            .map(Method::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> rejecting = new TreeSet<>();
    Faults.all().forEach(fault -> rejecting.addAll(fault.rejectedBy()));
    assertEquals(tests, rejecting);
  }

  /** Runs one test of the kit; it must fail, by an assertion or by what the fault breaks. */
  private static void rejects(String test, Backend backend) throws Exception {
    BackendConformance kit =
        new BackendConformance() {
          @Override
          public Backend backend() {
            return backend;
          }
        };
    Method method = BackendConformance.class.getMethod(test);
    InvocationTargetException thrown =
        assertThrows(InvocationTargetException.class, () -> method.invoke(kit));
    assertTrue(
        thrown.getCause() instanceof AssertionError,
        "failed by " + thrown.getCause() + " instead of an assertion");
  }
}
