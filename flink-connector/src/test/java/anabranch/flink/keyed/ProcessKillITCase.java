package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Jobs in processes that are killed, and go on in other processes. */
@Timeout(180)
class ProcessKillITCase {
  /** Twice; the command {@code soak} does so on the other state backend, too. */
  @Test
  void aKilledProcessLosesAndDoublesNothing(@TempDir Path folder) throws Exception {
    Kill.Outcome outcome = new ChildJob(new Kill("hashmap", false, 20_000, 900, 7), folder).run(2);
    assertTrue(outcome.isExact(), outcome::toString);
  }
}
