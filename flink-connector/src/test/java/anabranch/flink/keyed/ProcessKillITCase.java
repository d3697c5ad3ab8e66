package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Jobs in processes that are killed, and go on in other processes. */
@Timeout(180)
class ProcessKillITCase {
  private static final int SIGKILL = 128 + 9;

  @ParameterizedTest
  @CsvSource({"hashmap,false,20000", "rocksdb,true,67108864"})
  void aKilledProcessLosesAndDoublesNothing(
      String backend, boolean unaligned, long cacheBytes, @TempDir Path folder) throws Exception {
    Kill kill = new Kill(backend, unaligned, cacheBytes, 1500, 7);
    ChildJob job = new ChildJob(kill, folder);
    for (int n = 0; n < 2; n++) {
      int ended = job.killBehind(3, job.start(classPath()));
      assertEquals(SIGKILL, ended, job.log());
      assertTrue(job.results().size() < kill.words(), "it was killed before its end");
    }
    job.letItEnd();
    Process last = job.start(classPath());
    boolean over = last.waitFor(60, TimeUnit.SECONDS);
    last.destroyForcibly();
    assertTrue(over, job.log());
    assertEquals(0, last.exitValue(), job.log());
    Talk talk = new Talk();
    Kill.Outcome outcome =
        Kill.judge(talk, Kill.words(kill.seed(), kill.words()), job.results(), new Kill.Course());
    assertTrue(outcome.isExact(), outcome::toString);
  }

  /** What the tests themselves run with, unless it is hidden in a manifest. */
  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }
}
