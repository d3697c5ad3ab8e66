package anabranch.flink.keyed;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.util.TestStreamEnvironment;
import org.apache.flink.util.FileUtils;

/**
 * The command {@code soak}: kills jobs on both state backends, with barriers of both kinds and
 * caches of three sizes, and jobs with the processes that run them, N times over, and counts what
 * was lost, doubled or wrong.
 */
public final class Soak {
  private Soak() {}

  /**
   * Runs the matrix.
   *
   * @param args how often; 1 without
   */
  public static void main(String[] args) throws Exception {
    int rounds = args.length == 0 ? 1 : Integer.parseInt(args[0]);
    Configuration configuration = new Configuration();
    configuration.set(RestOptions.BIND_PORT, "0");
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(2)
                .setNumSlotsPerTaskManager(2)
                .build());
    cluster.start();
    TestStreamEnvironment.setAsContext(cluster, 2);
    boolean exact = false;
    try {
      exact = run(rounds);
    } catch (Exception failed) {
      failed.printStackTrace();
    }
    cluster.close();
    System.exit(exact ? 0 : 1);
  }

  private static boolean run(int rounds) throws Exception {
    int runs = 0;
    int killed = 0;
    int lost = 0;
    int doubled = 0;
    int wrong = 0;
    for (int round = 0; round < rounds; round++) {
      for (String backend : new String[] {"hashmap", "rocksdb"}) {
        for (boolean unaligned : new boolean[] {false, true}) {
          for (long cacheBytes : new long[] {0, 20_000, 64 << 20}) {
            Kill.Outcome outcome = new Kill(backend, unaligned, cacheBytes, 1500, runs).run();
            runs++;
            killed += outcome.failures();
            lost += outcome.lost();
            doubled += outcome.doubled();
            wrong += outcome.wrong();
            System.out.printf(
                "%4d %s, %s, cache of %d bytes: %s%n",
                runs, backend, unaligned ? "unaligned" : "aligned", cacheBytes, outcome);
          }
        }
      }
    }
    for (int round = 0; round < rounds; round++) {
      for (String backend : new String[] {"hashmap", "rocksdb"}) {
        Path folder = Files.createTempDirectory("anabranch-processes");
        Kill.Outcome outcome =
            new ChildJob(new Kill(backend, round % 2 == 1, 20_000, 1500, runs), folder).run(2);
        FileUtils.deleteDirectory(folder.toFile());
        runs++;
        killed++;
        lost += outcome.lost();
        doubled += outcome.doubled();
        wrong += outcome.wrong();
        System.out.printf("%4d %s, two processes killed: %s%n", runs, backend, outcome);
      }
    }
    System.out.printf(
        "%d runs, %d killed and recovered: %d words lost, %d doubled, %d wrong%n",
        runs, killed, lost, doubled, wrong);
    return lost + doubled + wrong == 0 && killed == runs;
  }
}
