package anabranch.samples.flows;

import java.util.Arrays;
import java.util.List;

/**
 * The latest flows of a host as the model reads them.
 *
 * @param host whose they are
 * @param kind what the last one is part of
 * @param rows {@link #FIELDS} numbers for each flow, oldest first
 */
public record HostWindow(int host, int kind, float[] rows) {
  /** Most flows of a window. */
  public static final int LENGTH = 16;

  /** Numbers of a row: seven measured ones, then the levels of four categories. */
  public static final int FIELDS = 11;

  /** How many flows a window is made of: each row also looks at those before it. */
  public static final int HISTORY = 2 * LENGTH - 1;

  private static final double LONGEST_GAP = 600_000;
  private static final int[] PORTS = {
    22, 21, 25, 53, 80, 123, 443, 445, 873, 993, 3306, 3389, 5432, 8080
  };

  /**
   * Returns the window that ends with the last of some flows.
   *
   * @param flows the latest of one host, oldest first; at most {@link #HISTORY} of them count
   */
  public static HostWindow of(List<Flow> flows) {
    int count = Math.min(LENGTH, flows.size());
    float[] rows = new float[count * FIELDS];
    for (int row = 0; row < count; row++) {
      int at = flows.size() - count + row;
      List<Flow> before = flows.subList(Math.max(0, at - LENGTH + 1), at);
      row(flows.get(at), before, rows, row * FIELDS);
    }
    Flow last = flows.get(flows.size() - 1);
    return new HostWindow(last.host(), last.kind(), rows);
  }

  private static void row(Flow flow, List<Flow> before, float[] rows, int at) {
    double gap = LONGEST_GAP;
    double same = LONGEST_GAP;
    int novelty = 3;
    for (int back = 1; back <= before.size(); back++) {
      Flow other = before.get(before.size() - back);
      double passed = Math.min(LONGEST_GAP, 1000 * (flow.time() - other.time()));
      gap = back == 1 ? passed : gap;
      if (other.destination() == flow.destination()) {
        same = passed;
        novelty = back == 1 ? 1 : 2;
        break;
      }
    }
    double[] measured = {
      flow.duration(),
      flow.bytesOut(),
      flow.bytesIn(),
      flow.packetsOut(),
      flow.packetsIn(),
      gap,
      same
    };
    for (int i = 0; i < measured.length; i++) {
      rows[at + i] = (float) Math.log1p(measured[i]);
    }
    int port = Arrays.stream(PORTS).boxed().toList().indexOf(flow.port());
    rows[at + 7] = flow.protocol();
    rows[at + 8] = port >= 0 ? port + 1 : flow.port() < 1024 ? 15 : 16;
    rows[at + 9] = flow.state();
    rows[at + 10] = novelty + (flow.destination() < 0 ? 3 : 0);
  }
}
