package example.host;

import java.util.function.Function;

/** A plugin that starts a thread and never ends it. */
public final class Leaky implements Function<String, Score> {
  /** Starts the thread. */
  public Leaky() {
    Thread thread = new Thread(Leaky::sleep, "left behind");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public Score apply(String line) {
    return new Score(line.length());
  }

  private static void sleep() {
    try {
      Thread.sleep(Long.MAX_VALUE);
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
    }
  }
}
